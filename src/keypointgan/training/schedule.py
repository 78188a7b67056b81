"""How large the steps are, and what is learnt, at which point of a run."""

import math

from keypointgan.config import Config

_RISE = 200  # updates over which the student's step size grows


def is_alone(config: Config, *, step: int) -> bool:
    """Whether the encoder still learns from drawn figures and from nothing else."""
    return bool(config.figures.alone) and step <= config.figures.alone


def insistence_on_sides(config: Config, *, step: int) -> float:
    """Share of the loss on drawn figures that insists on left and right."""
    settings = config.figures
    grown = min(1.0, step / settings.alone) if settings.alone else 1.0
    return settings.insistence + (settings.final_insistence - settings.insistence) * grown


def step_size_factor(config: Config, *, step: int, seconds: float) -> float:
    """What the optimisers' step sizes are multiplied with.

    1 in most of a run, `figures.rate` where figures are learnt alone; over the last part of the
    run, by updates or by wall time, whichever is nearer, it falls to zero.
    """
    rate = config.figures.rate if is_alone(config, step=step) else 1.0
    share = config.optimiser.cool_down
    if not share:
        return rate
    done = share_done(config, step=step, seconds=seconds)
    return rate * min(1.0, max(1.0 - done, 0.0) / share + 1e-3)


def share_done(config: Config, *, step: int, seconds: float) -> float:
    """How far a run is, from 0 to 1, by updates or by wall time, whichever is nearer its end."""
    done = step / config.training.steps
    if config.training.minutes:
        done = max(done, seconds / (60 * config.training.minutes))
    return done


def student_rate(config: Config, *, step: int, seconds: float) -> float:
    """What the student's step size is multiplied with: a short rise, then a cosine to zero."""
    done = min(share_done(config, step=step, seconds=seconds), 1.0)
    return min(1.0, step / _RISE) * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-3
