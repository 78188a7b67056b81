"""The settings of a student, which is no part of the paper (`keypointgan distill`)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from keypointgan.settings import Fraction, Settings


class StudentConfig(Settings):
    """One network for frames, taught by figures and by what it makes of frames; not in the paper.

    `keypointgan distill` trains it.
    """

    width: PositiveInt = 32
    """Channels of its first stage."""
    backbone: Literal["residual", "mobilenet_v2"] = "residual"
    """What reads the frame: residual stages, or MobileNetV2, which can begin with weights that were
    learnt from photographs of all kinds (`backbone_weights`)."""
    backbone_weights: Path | None = None
    """Weights that a new `mobilenet_v2` begins with: torchvision's state dict, or safetensors with
    batch norms folded."""
    steps: PositiveInt = 20_000
    """Updates; `distill` puts this in the place of `training.steps`."""
    batch_size: PositiveInt = 64
    """Real frames an update; in the place of `training.batch_size`."""
    figures: NonNegativeInt = 64
    """Drawn figures an update; 0 for none."""
    drawn_at_once: PositiveInt = 1
    """Updates whose figures are drawn together: fewer and larger operations, for a GPU."""
    synthesis: NonNegativeInt = 0
    """Frames an update that the teacher's decoder paints in poses of the prior; 0 for none."""
    learning_rate: PositiveFloat = 1e-3
    """Largest step size of Adam."""
    average: Fraction = 0.998
    """Decay of the running mean of the weights, which guesses and which is kept."""
    alone: Fraction = 0.3
    """Share of the run, at its start, in which it learns from figures alone, unless a teacher
    guesses from the first update on."""
    guess_every: PositiveInt = 2_000
    """Updates between two rounds of guessing the points of all training frames."""
    start: Path | None = None
    """Start from the student of this run or name, which guesses from the first update on. Without
    a prior and figures it learns from its guesses alone and names sides as it did before."""
    committee: tuple[Path, ...] = ()
    """Students, runs or names, that read all training frames along with it in each round: their
    heatmaps are averaged. Each makes a round as much longer as the student itself takes."""
    match_prior: bool = False
    """Move each round's guesses in their own frame so that their mean shape, and how it changes
    along the prior's main component (where a head looks), are those of the prior. For objects that
    the prior shows in the same kind of poses, such as faces."""
    sides_by_prior: bool = False
    """Name left and right in guesses pair by pair, as poses of the prior, the frame and its
    neighbours have it; else all sides of a frame are right or exchanged together. Eight pairs at
    most. For objects seen from all sides, such as people."""
    margin: PositiveFloat | None = None
    """Look twice, in each round of guesses and whenever it is used: once where the object is, then
    at it, in a square whose side is this many times its length. None: frames as they come."""
    doubt: PositiveFloat = 3.0
    """Power of its confidence with which a guess counts: high ones leave doubtful points out."""
    real: NonNegativeFloat = 1.0
    """Weight of the loss on real frames."""
    heatmaps: NonNegativeFloat = 1.0
    """Weight of the cross entropy of the heatmaps."""
    points: NonNegativeFloat = 5.0
    """Weight of the mean distance of points."""
    error: NonNegativeFloat = 0.1
    """Weight of the misfit of the stated errors."""
    rotation: NonNegativeFloat = 12.0
    """Standard deviation of the rotation of a view, degrees."""
    scale: NonNegativeFloat = 0.12
    """Standard deviation of the scale of a view."""
    shift: NonNegativeFloat = 0.1
    """Standard deviation of the shift of a view, normalised."""
    light: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Strength of changes of light, colour, blur and noise."""
    hidden: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Probability that something hides a part of a view."""
    camera: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability of each fault of cameras and recorders in a view: light from one side, blur, few
    pixels, noise, and what a codec leaves of it."""
    inverted: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the views in which bright and dark are exchanged: 0.5 for animals that are dark on a
    bright ground in one laboratory and bright on a dark one in another."""
    bystanders: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability that what another frame shows is put beside, in front or behind: for objects that
    come in groups."""
    close_ups: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability that a view shows only a part of the object, mostly its upper one: for people, of
    whom pictures often show no legs."""
