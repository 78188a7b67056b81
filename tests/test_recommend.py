"""What is seen decides the settings; the recipe says why, and trains as written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from keypointgan.cli import main
from keypointgan.commands import cost
from keypointgan.commands.recommend import find_skeleton, recommend_recipe
from keypointgan.config import Config
from keypointgan.data.survey import ObjectBoxes, PoseSurvey, StoreSurvey
from keypointgan.errors import PriorError, SkeletonError
from keypointgan.recipe import load_config, make_config
from keypointgan.recipe_writer import make, render_recipe, warnings, with_time
from keypointgan.recommend import Choice, Machine, recommend
from keypointgan.skeletons import Skeleton

SHAPE = Skeleton.load("h36m17")
CPU = Machine("cpu", "two cores", 1.0)
GPU = Machine("cuda", "a GPU", 4.0)
SEEN = ObjectBoxes(0.8, (0.02, -0.3), 0.3, 0.04, "motion")
FILM = StoreSurvey(
    size=128,
    clips=100,
    groups=30,
    frames=4000,
    lengths=(30, 40, 50),
    fps=20.0,
    masks=False,
    still=0.95,
    unrelated=False,
    brightness_spread=5.0,
    objects=SEEN,
)
MOCAP = PoseSurvey(5000, True, None, float("nan"), 0.1, float("nan"), float("nan"), float("nan"))
PHOTOGRAPHS = PoseSurvey(5000, False, None, float("nan"), 0.5, 0.4, 0.9, 0.2)


def chosen(
    frames: StoreSurvey = FILM,
    prior: PoseSurvey = MOCAP,
    machine: Machine = CPU,
    shape: Skeleton = SHAPE,
) -> list[Choice]:
    return recommend(
        Path("store"), Path("prior.npz"), "h36m17",
        frames=frames, prior=prior, shape=shape, machine=machine,
    )  # fmt: skip


def value(choices: Sequence[Choice], key: str) -> object:
    return next(choice.value for choice in choices if choice.key == key)


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        ({}, "model.background", "plate"),
        ({"lengths": (6, 8, 10)}, "model.background", "reference"),
        ({"still": 0.4, "objects": None}, "model.background", "rebuilt"),
        ({"masks": True}, "model.background", "rebuilt"),
        ({"masks": True}, "data.mask_background", True),
        ({}, "data.gap", [5, 49]),
        ({"lengths": (6, 8, 10)}, "data.gap", [2, 9]),
        ({"fps": 0.0, "lengths": (2, 2, 3)}, "data.gap", [1, 2]),
        ({"brightness_spread": 30.0}, "data.colour_jitter", 0.3),
        ({}, "data.colour_jitter", 0.0),
        ({"groups": 2}, "data.validation_fraction", 0.0),
        ({"size": 96}, "data.size", 64),
        ({}, "prior.extent", 0.68),
        ({}, "prior.centre", [0.0, -0.3]),
        ({"objects": None}, "prior.extent", 0.65),
    ],
)
def test_what_the_frames_show_decides(change: dict, key: str, expected: object) -> None:
    assert value(chosen(replace(FILM, **change)), key) == expected


@pytest.mark.parametrize(
    ("prior", "key", "expected"),
    [
        (MOCAP, "model.sides", "apart"),
        (MOCAP, "prior.place", "body"),
        (PHOTOGRAPHS, "prior.place", "fit"),
        (PHOTOGRAPHS, "model.sides", "apart"),
        (replace(PHOTOGRAPHS, handedness=0.95), "model.sides", "together"),
        (replace(PHOTOGRAPHS, handedness=0.95, uprightness=0.1), "model.sides", "together"),
        (replace(PHOTOGRAPHS, handedness=0.95), "equivariance.weight", 10.0),
        (replace(PHOTOGRAPHS, size_spread=0.1), "prior.place", "body"),
        (replace(PHOTOGRAPHS, uprightness=0.1), "prior.rotation_jitter", 180.0),
        (replace(PHOTOGRAPHS, size=128.0), "prior.place", "as_is"),
    ],
)
def test_what_the_poses_are_decides(prior: PoseSurvey, key: str, expected: object) -> None:
    assert value(chosen(prior=prior), key) == expected


def test_only_upright_poses_of_one_side_are_learnt_with_moved_frames() -> None:
    """They made drawn people worse, and turned flies round (experiment 36)."""
    for prior in (MOCAP, PHOTOGRAPHS, replace(PHOTOGRAPHS, handedness=0.95, uprightness=0.1)):
        assert "equivariance.weight" not in {choice.key for choice in chosen(prior=prior)}


def test_a_gpu_gets_more_pixels_and_larger_batches() -> None:
    choices = chosen(machine=GPU)
    assert (value(choices, "data.size"), value(choices, "training.batch_size")) == (128, 32)
    assert value(chosen(replace(FILM, size=64), machine=GPU), "data.size") == 64


def test_a_skeleton_without_sides_is_not_mirrored() -> None:
    worm = Skeleton("worm", ("head", "tail"), (((0,), (1,)),))
    choices = chosen(shape=worm)
    assert value(choices, "data.mirror") is False
    assert value(choices, "prior.mirror") is False
    assert value(choices, "model.sides") == "together"


def test_the_time_decides_how_many_updates() -> None:
    """An hour less 2,000 updates of 0.3 s is 3,000 s: 6,000 updates of half a second."""
    choices = with_time(chosen(), seconds=0.5, before=0.3, machine=CPU)
    assert value(choices, "training.steps") == 6000
    assert value(choices, "training.evaluate_every") == 240


def test_people_in_space_are_drawn_first() -> None:
    """Two fifths of 6,000 updates; flat poses and flies cannot be drawn as people."""
    choices = with_time(chosen(), seconds=0.5, before=0.3, machine=CPU)
    assert (value(choices, "figures.alone"), value(choices, "figures.weight")) == (2400, 0.5)
    for others in (chosen(prior=PHOTOGRAPHS), chosen(shape=Skeleton.load("fly13"))):
        settings = with_time(others, seconds=0.5, before=0.3, machine=CPU)
        assert not {"figures.alone", "figures.weight"} & {choice.key for choice in settings}


def test_pre_training_takes_a_third_of_the_time_at_most() -> None:
    """1,200 of 3,600 s at 2 s each are 600 updates; the other 2,400 s are for 2,400 updates."""
    choices = with_time(chosen(), seconds=1.0, before=2.0, machine=CPU)
    assert value(choices, "pretrain.steps") == 600
    assert value(choices, "training.steps") == 2400


def test_every_combination_is_a_valid_configuration() -> None:
    for masks in (False, True):
        for still in (0.1, 0.99, float("nan")):
            for prior in (MOCAP, PHOTOGRAPHS, replace(PHOTOGRAPHS, size=64.0)):
                for machine in (CPU, GPU):
                    frames = replace(FILM, masks=masks, still=still)
                    make(
                        with_time(chosen(frames, prior, machine), seconds=1, before=0, machine=CPU)
                    )


def test_what_was_guessed_and_what_may_fail_is_said() -> None:
    frames = replace(FILM, still=0.3, objects=None, unrelated=True)
    prior = replace(PHOTOGRAPHS, poses=50, left_first=0.9)
    choices = with_time(chosen(frames, prior), seconds=1, before=0, machine=CPU)
    notes = "\n".join(warnings(choices, frames, prior, SHAPE))
    for part in (
        "prior.extent = 0.65 is a guess",
        "photographs of different objects",
        "A prior of 50 poses is small",
        "In 90 % of the poses",
        "no masks: the most common reason",
        "only 57,600 frames are seen",
    ):
        assert part in notes
    clean = with_time(chosen(prior=PHOTOGRAPHS), seconds=0.1, before=0, machine=CPU)
    assert warnings(clean, FILM, PHOTOGRAPHS, SHAPE) == []


def test_the_recipe_reads_back_and_has_a_reason_for_every_setting() -> None:
    choices = with_time(chosen(), seconds=1, before=0, machine=CPU)
    text = render_recipe(choices, title="A title", head=["command"], notes=["mind this"])
    assert text.startswith("# A title\n#\n# command\n#\n# Look at this before you train:\n# - mind")
    read = yaml.safe_load(text)
    for choice in choices:
        section, name = choice.key.split(".")
        assert read[section][name] == choice.value
        assert choice.reason in text


def test_the_skeleton_is_the_one_whose_joints_the_poses_have(tmp_path: Path) -> None:
    def write(name: str, joints: Sequence[str] | None, count: int) -> Path:
        names = {} if joints is None else {"joints": np.array(joints)}
        np.savez(tmp_path / name, xy=np.random.default_rng(0).random((3, count, 2)), **names)
        return tmp_path / name

    assert find_skeleton(write("a.npz", Skeleton.load("coco17").joints, 17)) == "coco17"
    assert find_skeleton(write("b.npz", Skeleton.load("h36m32").joints, 32)) == "h36m32"
    with pytest.raises(SkeletonError, match="got those of coco17 and of h36m17"):
        find_skeleton(write("c.npz", None, 17))
    with pytest.raises(SkeletonError, match=r"got others\. Say which with --skeleton"):
        find_skeleton(write("d.npz", ["head", "tail"], 2))


def test_a_missing_prior_is_named(tiny_store: Path, tmp_path: Path) -> None:
    with pytest.raises(PriorError, match="expected a file of unpaired poses, found none"):
        recommend_recipe(tiny_store, tmp_path / "absent.npz")


def test_a_narrow_network_is_chosen_only_where_it_is_needed_and_faster(
    tiny_store: Path, tiny_prior: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a second an update an hour is too short for width 32; bf16 is slower here."""

    def timed(config: Config) -> cost.Cost:
        fast = 0.5 if config.model.width == 16 else 1.0
        slow = 2.0 if config.training.precision == "bf16-mixed" else 1.0
        return cost.Cost({}, fast * slow, 0.1, 0, "cpu")

    monkeypatch.setattr("keypointgan.commands.recommend.measure", timed)
    monkeypatch.setattr("keypointgan.commands.recommend.has_bfloat16", lambda device: True)

    def settings(hours: float) -> Config:
        found = recommend_recipe(tiny_store, tiny_prior, hours=hours, device="cpu")
        return make_config(yaml.safe_load(found.recipe))

    assert settings(1.0).model.width == 16
    assert settings(1.0).training.precision == "32-true"
    assert settings(1.0).training.steps == 6800  # an hour less 200 s of pre-training, at 0.5 s
    assert settings(100.0).model.width == 32


def test_a_number_format_that_a_cpu_lacks_is_not_measured(
    tiny_store: Path, tiny_prior: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be faster by the clock, since float32 is computed in its place."""
    measured: list[str] = []

    def timed(config: Config) -> cost.Cost:
        measured.append(config.training.precision)
        return cost.Cost({}, 1e-3, 0.1, 0, "cpu")

    monkeypatch.setattr("keypointgan.commands.recommend.measure", timed)
    monkeypatch.setattr("keypointgan.commands.recommend.has_bfloat16", lambda device: False)
    found = recommend_recipe(tiny_store, tiny_prior, hours=10, device="cpu")
    assert set(measured) == {"32-true"}
    assert make_config(yaml.safe_load(found.recipe)).training.precision == "32-true"


@pytest.mark.slow
def test_the_recipe_trains_as_written(
    tiny_store: Path,
    tiny_prior: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the command line, then a training that is shorter but otherwise the recipe's."""
    monkeypatch.setattr(cost, "MEASURED_SECONDS", 0.0)
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "run"
    command = ["recommend", str(tiny_store), "--prior", str(tiny_prior), "-o", str(recipe)]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--hours", "0.05", "--device", "cpu"])
    captured = capsys.readouterr()
    assert not stop.value.code
    assert captured.out.splitlines()[-1] == str(recipe)
    assert "look at this" in captured.err
    config = load_config(recipe)
    assert config.model.skeleton == "h36m17"
    assert config.training.steps * config.training.batch_size > 0
    short = ("training.steps=2", "pretrain.steps=2", "pretrain.batch_size=2")
    overrides = [part for setting in short for part in ("--set", setting)]
    with pytest.raises(SystemExit) as stop:
        main(["train", "-o", str(run), "--recipe", str(recipe), *overrides])
    assert not stop.value.code
    assert (run / "checkpoints" / "last").is_dir()
