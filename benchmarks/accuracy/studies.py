"""What is compared: data sets, and methods as settings on top of a recipe."""

from dataclasses import dataclass
from pathlib import Path


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
        "prior_penn13.npz", "flip_min", "error_flip_min", "flip-min, % of the image side"
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
    "figures.alone=0",
    "figures.weight=0",
    "loss.adversarial=10",
    "loss.discriminator_noise=0",
    "optimiser.discriminator_rate=1",
    "optimiser.average=0",
    "optimiser.cool_down=0",
)
"""Back to the paper, in the recipe's networks and image size."""

TWIN = ("training.supervised=true", "figures.alone=0", "figures.weight=0")
"""The same encoder and regressor on the labels of the training frames: the bound."""

METHODS: dict[str, tuple[str, ...]] = {
    "ours": (),
    "faithful": FAITHFUL,
    "twin": TWIN,
    "twin_1000": (*TWIN, "training.supervised_limit=1000"),
    "twin_100": (*TWIN, "training.supervised_limit=100"),
    "without_figures": ("figures.alone=0", "figures.weight=0"),
    "figures_alone": ("figures.alone=1000000000",),
    "without_insistence": ("figures.insistence=0",),
    "one_colour": ("model.sides=together", "figures.alone=0", "figures.weight=0"),
    "without_jitter": ("data.colour_jitter=0",),
    "without_plate": ("model.background=rebuilt",),
    "without_noise": ("loss.discriminator_noise=0",),
    "with_r1": ("loss.discriminator_noise=0", "loss.discriminator_r1=1"),
    "with_spectral_norm": ("loss.discriminator_noise=0", "loss.spectral_norm=true"),
}
"""Each an ablation of `ours`: one change (the first five apart)."""


def settings(method: str, *, store: Path, prior: Path) -> list[str]:
    """The settings of a method on a store, beside those of the recipe.

    Only the twin is told where the labels of the training clips are. All are told where those of
    the validation clips are, which choose the best checkpoint and draw the curve.
    """
    labels = store / "labels.npz"
    values = [f"data.store={store}", f"prior.poses={prior}", *METHODS[method]]
    if labels.is_file():
        values.append(f"data.validation_labels={labels}")
    if method.startswith("twin"):
        values.append(f"training.supervised_labels={labels}")
    return values
