"""The settings of the method, by section: default, unit and source.

A setting has its default here, or in `student_settings`, and nowhere else. Defaults are those of
the paper and its release where they state one.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

Fraction = Annotated[float, Field(ge=0, lt=1)]


class Settings(BaseModel):
    """A group of settings: immutable, typed, without unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )


class DataConfig(Settings):
    """The unlabelled videos, ingested to a store (`keypointgan ingest`)."""

    store: Path | None = None
    """The store with the training clips."""
    size: Literal[64, 96, 128, 256] = 128
    """Side of the square frames in pixels; the store is resized to it when it is read."""
    gap: tuple[NonNegativeInt, NonNegativeInt] = (1, 1000)
    """Frames between a frame and its reference, least and most; cut at the end of the clip.
    0-1000 in the release, 1 here: a frame is no reference of itself. (0, 0) makes each photograph
    the reference of itself, for `warp`."""
    reference: Literal["later", "either"] = "either"
    """Whether the reference comes `later` in the clip (the release) or on `either` side."""
    mask_background: bool = False
    """Paint the background mid-grey; the store must hold masks. True in the published setting."""
    mirror: bool = False
    """Mirror half of the pairs. Harmless only where the prior is as likely mirrored."""
    colour_jitter: NonNegativeFloat = 0.0
    """Strength of random brightness, contrast and colour changes, the same for both frames."""
    warp: bool = False
    """Make pairs by a thin-plate-spline warp, for photographs without video (METHOD 5)."""
    validation_fraction: Fraction = 0.05
    """Share of the training clips kept apart for validation, never trained on."""
    validation_labels: Path | None = None
    """Labels (npz) of those clips, read to report the error and choose the best checkpoint;
    they never reach training."""


class PriorConfig(Settings):
    """The unpaired sample of poses and how it is placed in the frame."""

    poses: Path | None = None
    """An npz or csv of 2D poses, or an npz of 3D poses in metres."""
    joint_map: dict[str, str] = {}
    """For joints that the file calls otherwise: the skeleton's name -> the file's name."""
    limit: NonNegativeInt = 0
    """Use only so many poses, chosen by the seed; 0 for all. To study how many are needed."""
    place: Literal["as_is", "fit", "body"] = "fit"
    """`as_is`: coordinates are those of the frames already. `fit`: centre and scale the bounding
    box of each pose. `body`: one scale for all poses, from the median size of the body, so that
    crouching stays small."""
    extent: PositiveFloat = 0.7
    """Side of the fitted box (of the median body for `body`), as a share of the frame."""
    centre: tuple[float, float] = (0.0, 0.0)
    """Where the centre of the box goes, normalised (x, y)."""
    scale_jitter: NonNegativeFloat = 0.05
    """Standard deviation of the logarithm of a random scale."""
    shift_jitter: NonNegativeFloat = 0.05
    """Standard deviation of a random shift, as a share of the frame."""
    rotation_jitter: NonNegativeFloat = 0.0
    """Standard deviation of a random rotation in the image plane, degrees."""
    mirror: bool = True
    """Add the mirror image of each pose, with left and right exchanged."""
    azimuth: tuple[float, float] = (-180.0, 180.0)
    """Degrees around the vertical axis from which 3D poses are seen."""
    elevation: tuple[float, float] = (-5.0, 25.0)
    """Degrees above the horizon from which 3D poses are seen."""
    field_of_view: PositiveFloat = 38.0
    """Of the camera that sees 3D poses, degrees."""
    held_out: Fraction = 0.1
    """Share of the poses kept apart to measure the regressor."""


class ModelConfig(Settings):
    """The four networks and the picture of a pose between them."""

    skeleton: str = "h36m17"
    """A built-in skeleton or the path of a YAML file."""
    preset: Literal["release", "compact"] = "release"
    """`release`: the networks of the authors. `compact`: no convolution at full resolution;
    several times faster, for CPUs and for experiments."""
    width: PositiveInt = 32
    """Channels of the first stage; each later stage has twice as many."""
    sides: Literal["together", "apart"] = "together"
    """Links in one channel (the paper), or left, right and middle ones in channels of their own."""
    background: Literal["rebuilt", "reference", "plate"] = "rebuilt"
    """Where the decoder takes what does not move from: it rebuilds all of the frame (the paper), or
    it paints the object and a mask and keeps the `reference`, or the `plate` (the median of the
    clip), elsewhere. The latter two are for a still camera, and for the compact preset."""
    sigma: PositiveFloat = 0.2
    """How far a link's brightness reaches: exp(-d / sigma²) or exp(-d² / sigma²), normalised."""
    falloff: Literal["linear", "squared"] = "linear"
    """`linear` as in the release (`models/utils.py`), `squared` as in the paper."""


class LossConfig(Settings):
    """Weights of the training objective (Jakab et al., 2020)."""

    reconstruction: NonNegativeFloat = 10.0
    """Weight of the reconstruction loss; `lambda_A` in the release's recipe."""
    adversarial: NonNegativeFloat = 10.0
    """Weight of the generator's adversarial loss; `lambda_gan_A` in the release's recipe."""
    features: Literal["vgg19", "squeezenet", "pyramid"] = "pyramid"
    """What "the same frame" means: equal features of this network, or equal multi-scale pixels.
    The paper's is `vgg19`, which downloads weights; `pyramid` needs none."""
    features_weights: Path | None = None
    """Weights file of `squeezenet`, or of `vgg19` where it cannot be downloaded."""
    feature_momentum: Fraction = 0.99
    """Momentum of the running mean that balances the feature layers."""
    regressor_prior: NonNegativeFloat = 0.9
    """Weight of ‖η(β(p̄)) − p̄‖² in the regressor's loss."""
    regressor_cycle: NonNegativeFloat = 0.1
    """Weight of ‖β(η(y)) − y‖² in the regressor's loss."""
    discriminator_noise: NonNegativeFloat = 0.0
    """Standard deviation of noise on the discriminator's input, which keeps it from winning."""
    discriminator_r1: NonNegativeFloat = 0.0
    """Weight of the discriminator's squared gradient on drawn poses (R1)."""
    spectral_norm: bool = False
    """Bound the discriminator's layers by their spectral norm."""
    pool: NonNegativeInt = 50
    """How many past skeleton images the discriminator is shown again; 0 for none."""


class EquivarianceConfig(Settings):
    """The points of a moved frame are the moved points; not in the paper, and off by default.

    It rules out a skeleton that lies beside the object in each frame in another way, which the
    discriminator cannot see. Objects that lie in every direction may be turned round by it.
    """

    weight: NonNegativeFloat = 0.0
    """Weight of the mean distance, in half sides of the frame, between the points read in a moved
    frame and the moved points of the frame."""
    rotation: NonNegativeFloat = 10.0
    """Standard deviation of the rotation, degrees. Where the prior has no rotated poses, a large
    one asks for skeletons that the discriminator refuses."""
    scale: NonNegativeFloat = 0.1
    """Standard deviation of the scale around 1."""
    shift: NonNegativeFloat = 0.1
    """Standard deviation of the shift, in half sides of the frame."""
    light: NonNegativeFloat = 0.0
    """Strength of changes of light, colour, blur and noise in the moved frame; 1 is strong."""


class FiguresConfig(Settings):
    """Drawn figures of known pose to learn from; not in the paper, and off by default.

    People need 3D poses as prior and a skeleton with the joints of h36m17; faces, the landmarks of
    face68; animals, a skeleton that says what they look like.
    """

    alone: NonNegativeInt = 0
    """Updates at the start in which the encoder learns from drawn figures and from nothing else."""
    rate: PositiveFloat = 5.0
    """Step size in those updates, as a multiple of `optimiser.learning_rate`."""
    weight: NonNegativeFloat = 0.0
    """Weight of the loss on drawn figures in the updates after those."""
    batch_size: PositiveInt = 16
    """Figures an update."""
    points: NonNegativeFloat = 10.0
    """Weight of the distance between the points read and the figure's."""
    image: NonNegativeFloat = 2.0
    """Weight of ‖Φ(x) − β(p)‖², the squared error of the skeleton image."""
    insistence: NonNegativeFloat = 0.1
    """Share of the points' loss that insists on left and right. The rest forgives a figure whose
    sides are exchanged as a whole: before the encoder can tell front from back, the mean of both
    answers, all points on the middle of the body, would be its best one."""
    final_insistence: NonNegativeFloat = 0.1
    """`insistence` once the limbs are found: it grows to this over the updates `alone`."""


class OptimiserConfig(Settings):
    """Three Adam optimisers, one a network group [release]."""

    learning_rate: PositiveFloat = 2e-4
    """Step size of Φ and Ψ."""
    discriminator_rate: PositiveFloat = 1.0
    """Step size of D, as a multiple of `learning_rate`."""
    regressor_rate: PositiveFloat = 1.0
    """Step size of η, as a multiple of `learning_rate`."""
    betas: tuple[Fraction, Fraction] = (0.5, 0.999)
    """Decay of Adam's two means."""
    clip: PositiveFloat = 1.0
    """Largest norm of the gradient of each network group."""
    average: Fraction = 0.0
    """Decay of the running mean of Φ's and η's weights used for evaluation; 0 for none."""
    cool_down: Fraction = 0.0
    """Share of the run, at its end, over which the step sizes fall linearly to zero."""


class PretrainConfig(Settings):
    """The regressor η, trained on prior poses alone before anything else."""

    regressor: Path | None = None
    """Start from the regressor of this run (`keypointgan pretrain`) and skip the phase.

    A run that trained on brings along what it called left, right, head and tail."""
    steps: NonNegativeInt = 20_000
    """At most this many updates; 0 to skip."""
    batch_size: PositiveInt = 64
    """Poses an update."""
    learning_rate: PositiveFloat = 1e-3
    """Step size of Adam, falling to zero along a cosine."""
    target: NonNegativeFloat = 0.5
    """Stop when the mean error on held-out poses is below this, % of the image side."""
    patience: PositiveInt = 5
    """Stop when that error has not improved for this many evaluations."""
    evaluate_every: PositiveInt = 500
    """Updates between two evaluations."""


class TrainingConfig(Settings):
    """The loop: how long, how often, on what."""

    steps: PositiveInt = 200_000
    """Updates of each network."""
    minutes: NonNegativeFloat = 0.0
    """Stop and save after this wall time, pre-training included; 0 for no limit."""
    batch_size: PositiveInt = 16
    """Pairs an update, for each process."""
    seed: NonNegativeInt = 0
    """Of everything random."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Number format of the networks' arithmetic; the renderer and the losses stay in float32."""
    device: str = "auto"
    """cpu, cuda, mps, or auto for the best there is."""
    devices: PositiveInt = 1
    """Processes, one a device."""
    compile: bool = False
    """Compile the networks (torch.compile): slow to start, then faster."""
    channels_last: bool = False
    """Memory layout of frames; pays with bf16-mixed."""
    evaluate_every: PositiveInt = 2_000
    """Updates between two evaluations on the validation split."""
    save_every: PositiveInt = 2_000
    """Updates between two checkpoints."""
    log_every: PositiveInt = 50
    """Updates between two lines of metrics."""
    panels: NonNegativeInt = 8
    """Rows of the image panel drawn at each evaluation; 0 for none."""
    supervised: bool = False
    """Train Φ and η on the labels instead (the supervised twin, a bound to compare with)."""
    supervised_labels: Path | None = None
    """Labels (npz) of the training clips, read by the supervised twin only."""
    supervised_limit: NonNegativeInt = 0
    """Use only this many labelled frames; 0 for all."""
