"""What is compared: data sets, and methods as a command and settings on top of a recipe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class DataSet:
    """Real data to learn from and to be measured on.

    Attributes:
        prior: The file of unpaired poses, in the data set's folder.
        score: The figure that is compared, by its key in an evaluation.
        figure: The same on the validation clips, by its name in `metrics.jsonl`.
        unit: Of both.
        prior_options: Of `keypointgan prior build`, where the file needs it.
    """

    prior: str
    score: str
    figure: str
    unit: str
    prior_options: tuple[str, ...] = ()


DATA_SETS = {
    "faces_youtube": DataSet(
        "prior_landmarks68.npz", "normalised", "nme", "% of the distance of the outer eye corners"
    ),
    "humans_rendered": DataSet(
        "prior_same_rig_3d.npz", "flip_min", "error_flip_min", "flip-min, % of the image side"
    ),
    "humans_jhmdb": DataSet(
        "../humans_rendered/prior_same_rig_3d.npz",
        "flip_min",
        "error_flip_min",
        "flip-min, % of the image side",
    ),
    "flies": DataSet(
        "courtship_labels.slp",
        "raw",
        "error",
        "% of the image side",
        ("--skeleton", "fly13", "--drop-incomplete"),
    ),
}

FAITHFUL = (
    "model.sides=together",
    "model.background=rebuilt",
    "data.colour_jitter=0",
    "equivariance.weight=0",
    "figures.alone=0",
    "figures.weight=0",
    "loss.adversarial=10",
    "loss.discriminator_noise=0",
    "optimiser.discriminator_rate=1",
    "optimiser.average=0",
    "optimiser.cool_down=0",
)
"""Back to the paper, in the recipe's networks and image size."""


@dataclass(frozen=True)
class Method:
    """A way to learn.

    Attributes:
        settings: On top of the recipe.
        command: Of `keypointgan`, which trains.
        labelled: Whether it is told where the labels of the training clips are: a bound.
        prior: Another file of poses than the data set's, in the folder of all data sets.
    """

    settings: tuple[str, ...] = ()
    command: Literal["train", "distill"] = "train"
    labelled: bool = False
    prior: str = ""


SUPERVISED = ("training.supervised=true",)
WITHOUT_FIGURES = ("figures.alone=0", "figures.weight=0")
TWIN = (*SUPERVISED, *WITHOUT_FIGURES)
"""The same encoder and regressor on the labels of the training frames: the bound."""

METHODS: dict[str, Method] = {
    "ours": Method(),
    "faithful": Method(FAITHFUL),
    "twin": Method(TWIN, labelled=True),
    "twin_1000": Method((*TWIN, "training.supervised_limit=1000"), labelled=True),
    "twin_100": Method((*TWIN, "training.supervised_limit=100"), labelled=True),
    "student": Method(command="distill"),
    "student_twin": Method(SUPERVISED, "distill", labelled=True),
    "student_twin_1000": Method(
        (*SUPERVISED, "training.supervised_limit=1000"), "distill", labelled=True
    ),
    "student_twin_100": Method(
        (*SUPERVISED, "training.supervised_limit=100"), "distill", labelled=True
    ),
    "student_of_figures": Method(("student.real=0",), "distill"),
    "student_of_whole_sides": Method(("student.sides_by_prior=false",), "distill"),
    "student_without_views": Method(
        ("student.rotation=0", "student.scale=0", "student.shift=0", "student.light=0"), "distill"
    ),
    "student_of_50_poses": Method(("prior.limit=50",), "distill"),
    "student_of_500_poses": Method(("prior.limit=500",), "distill"),
    "student_of_5000_poses": Method(("prior.limit=5000",), "distill"),
    "student_of_larger_poses": Method(("prior.extent=0.65",), "distill"),
    "student_of_other_rig": Method(
        ("prior.joint_map={neck: thorax}",), "distill", prior="humans_rendered/prior_mocap_3d.npz"
    ),
    "without_figures": Method(WITHOUT_FIGURES),
    "figures_alone": Method(("figures.alone=1000000000",)),
    "without_equivariance": Method(("equivariance.weight=0",)),
    "sides_apart": Method(("model.sides=apart",)),
    "without_insistence": Method(("figures.insistence=0",)),
    "one_colour": Method(("model.sides=together", *WITHOUT_FIGURES)),
    "without_jitter": Method(("data.colour_jitter=0",)),
    "without_plate": Method(("model.background=rebuilt",)),
    "without_noise": Method(("loss.discriminator_noise=0",)),
    "with_r1": Method(("loss.discriminator_noise=0", "loss.discriminator_r1=1")),
    "with_spectral_norm": Method(("loss.discriminator_noise=0", "loss.spectral_norm=true")),
}
"""`ours` and its ablations, one change each; `faithful`, the bounds and the students apart."""


def settings(method: str, *, store: Path, prior: Path, kept_apart: bool) -> list[str]:
    """The settings of a method on a store, beside those of the recipe.

    Only the bounds are told where the labels of the training clips are. All are told where those of
    the validation clips are, which choose the best checkpoint and draw the curve, where the recipe
    keeps clips apart.
    """
    labels = store / "labels.npz"
    values = [f"data.store={store}", f"prior.poses={prior}", *METHODS[method].settings]
    if labels.is_file() and kept_apart:
        values.append(f"data.validation_labels={labels}")
    if METHODS[method].labelled:
        values.append(f"training.supervised_labels={labels}")
    return values
