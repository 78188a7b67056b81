"""Every setting of a run: default, unit and source.

A setting has its default here and nowhere else. Defaults are those of the paper and its release
where they state one; the recipes in `recipes/`, read by `keypointgan.recipe`, hold what differs.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
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
    """Start from the student of this run or name, which guesses from the first update on."""
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
    """Start from the regressor of this run (`keypointgan pretrain`) and skip the phase."""
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


class Config(Settings):
    """All settings of a run."""

    data: DataConfig = DataConfig()
    """The unlabelled videos."""
    prior: PriorConfig = PriorConfig()
    """The unpaired poses."""
    model: ModelConfig = ModelConfig()
    """The networks."""
    loss: LossConfig = LossConfig()
    """The objective."""
    figures: FiguresConfig = FiguresConfig()
    """Drawn figures."""
    student: StudentConfig = StudentConfig()
    """The student."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """The updates."""
    pretrain: PretrainConfig = PretrainConfig()
    """The first phase."""
    training: TrainingConfig = TrainingConfig()
    """The loop."""

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.data.gap[0] > self.data.gap[1]:
            raise ValueError(f"data.gap: expected (least, most), got {self.data.gap}")
        if self.data.gap[1] == 0 and not self.data.warp:
            raise ValueError(
                "data.gap: expected frames and references that differ, got (0, 0), which needs "
                "data.warp"
            )
        if self.model.background != "rebuilt" and self.model.preset != "compact":
            raise ValueError(
                "model.background: expected 'rebuilt' for the release's decoder, got "
                f"'{self.model.background}'; set model.preset to 'compact'"
            )
        if self.model.background == "plate" and (self.data.warp or self.data.mask_background):
            raise ValueError(
                "model.background: expected no 'plate' with data.warp or data.mask_background, "
                "which leave no still background; choose 'rebuilt'"
            )
        if self.loss.features == "squeezenet" and self.loss.features_weights is None:
            raise ValueError(
                "loss.features_weights: expected the path of SqueezeNet's weights, got none"
            )
        if self.student.backbone_weights and self.student.backbone != "mobilenet_v2":
            raise ValueError(
                "student.backbone_weights: expected student.backbone to be 'mobilenet_v2', whose "
                f"weights they are, got '{self.student.backbone}'"
            )
        if self.student.backbone_weights and self.student.start:
            raise ValueError(
                "student.start: expected none with student.backbone_weights, as a student begins "
                f"with either, got '{self.student.start}'"
            )
        if self.training.supervised and self.training.supervised_labels is None:
            raise ValueError(
                "training.supervised_labels: expected the labels of the training clips, got none"
            )
        return self

    def for_student(self) -> Self:
        """The settings with those of the student's loop in the place of the method's."""
        loop = {"steps": self.student.steps, "batch_size": self.student.batch_size}
        return self.model_copy(update={"training": self.training.model_copy(update=loop)})

    def to_yaml(self) -> str:
        """Return the settings as YAML that `load_config` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def differences(self, other: "Config") -> dict[str, tuple[Any, Any]]:
        """Return the settings that differ, by dotted key: our value and that of `other`."""
        ours, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return {
            f"{section}.{name}": (value, theirs[section][name])
            for section, settings in ours.items()
            for name, value in settings.items()
            if value != theirs[section][name]
        }
