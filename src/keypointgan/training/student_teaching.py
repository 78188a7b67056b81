"""What a student is taught by, as the settings say: other students, a teacher, known frames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from keypointgan.assemble import TrainingData, assemble_figures, assemble_prior
from keypointgan.checkpoint import load_model, method_of
from keypointgan.config import Config
from keypointgan.errors import CheckpointError, ConfigError
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.student import Student
from keypointgan.skeletons import Skeleton
from keypointgan.training.known_frames import DrawnAhead, KnownFrames, Painter, Together


def load_student(
    path: Path, config: Config, skeleton: Skeleton, *, setting: str, device: torch.device
) -> Student:
    """Another student, in evaluation mode, with what names its sides.

    Raises:
        CheckpointError: There is none at `path`, or one of other joints; `setting` named it.
    """
    loaded = load_model(path, device=device)
    if not isinstance(loaded.model, Student) or loaded.skeleton.joints != skeleton.joints:
        raise CheckpointError(
            f"{path}: expected a student of the joints of {skeleton.name}, got another "
            f"network or one of {loaded.skeleton.name}. Name one with student.{setting}."
        )
    return _as_reader(loaded.model, config)


def load_teacher(
    run: Path, config: Config, skeleton: Skeleton, *, device: torch.device
) -> KeypointGAN | Student:
    """A trained run of the method, which guesses and paints, or a student, which guesses.

    Raises:
        CheckpointError: There is none, or one of other joints.
        ConfigError: It paints frames with another kind of background than the settings ask for.
    """
    loaded = load_model(run, device=device)
    if isinstance(loaded.model, Student) and not config.student.synthesis:
        _check_joints(run, loaded.skeleton, skeleton)
        loaded.model.naming = None  # it is learnt from the prior of this run
        return _as_reader(loaded.model, config)
    teacher = method_of(loaded, where=run)
    _check_joints(run, loaded.skeleton, skeleton)
    keeps = "plate" if loaded.config.model.background == "plate" else "rebuilt"
    asked = "plate" if config.model.background == "plate" else "rebuilt"
    if config.student.synthesis and keeps != asked:
        raise ConfigError(
            f"model.background: expected '{loaded.config.model.background}' as the teacher in "
            f"{run}, whose decoder paints frames, got '{config.model.background}'. Set it "
            "to the teacher's."
        )
    return teacher


def _as_reader(student: Student, config: Config) -> Student:
    if config.training.channels_last:
        student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return student.eval()


def _check_joints(run: Path, found: Skeleton, skeleton: Skeleton) -> None:
    if found.joints != skeleton.joints:
        raise CheckpointError(
            f"{run}: expected a teacher of the joints of {skeleton.name}, got one of "
            f"{found.name}. Set model.skeleton to its skeleton, or name another one."
        )


def known_frames(
    config: Config,
    data: TrainingData,
    skeleton: Skeleton,
    *,
    teacher: KeypointGAN | Student | None,
    autocast: Callable[[], Any],
) -> KnownFrames | None:
    """Frames whose points are known: figures, painted ones, both, or none.

    Raises:
        ConfigError: Frames are to be painted, and there is no teacher.
    """
    settings, training = config.student, config.training
    if training.supervised or not (settings.figures or settings.synthesis):
        return None
    prior, _ = assemble_prior(config, skeleton)
    sources: list[KnownFrames] = []
    if settings.figures:
        figures = DrawnAhead(
            assemble_figures(config, data, prior),
            count=settings.figures,
            updates=settings.drawn_at_once,
            seed=training.seed,
            device=data.bank.device,
        )
        sources.append(figures)
    if settings.synthesis:
        if not isinstance(teacher, KeypointGAN):
            raise ConfigError(
                "student.synthesis: expected a teacher whose decoder paints frames, got none. "
                "Name a trained run with --teacher."
            )
        painter = Painter(
            teacher,
            bank=data.bank,
            sampler=data.sampler,
            prior=prior,
            count=settings.synthesis,
            autocast=autocast,
        )
        sources.append(painter)
    return Together(sources)
