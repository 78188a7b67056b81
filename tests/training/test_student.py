"""The student's loop: it learns, a stop changes nothing, and what cannot work is refused."""

import json
import math
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.testing import assert_close

from keypointgan.assemble import assemble_model, assemble_student
from keypointgan.checkpoint import load_model, load_resume_state, save_checkpoint
from keypointgan.config import Config
from keypointgan.data.figures import FigureBatch
from keypointgan.data.labels import Labels
from keypointgan.data.priors import Prior
from keypointgan.errors import CheckpointError, ConfigError, TrainingError
from keypointgan.hardware import NO_BFLOAT16
from keypointgan.models.mobilenet import MobileNetV2
from keypointgan.models.naming import Naming, holds_naming
from keypointgan.models.student import Student
from keypointgan.skeletons import Skeleton
from keypointgan.training.guesses import guess
from keypointgan.training.journal import read_metrics
from keypointgan.training.known_frames import DrawnAhead, Together
from keypointgan.training.naming import learn_naming
from keypointgan.training.progress import Progress, Watch
from keypointgan.training.schedule import student_rate
from keypointgan.training.student import StudentTrainer
from keypointgan.training.student_state import StudentState
from keypointgan.training.student_update import statistics_kept
from keypointgan.training.trainer import Trainer

H36M = Skeleton.load("h36m17")
MakeConfig = Callable[..., Config]


@pytest.fixture
def make(tiny_config: MakeConfig, tiny_prior_in_space: Path) -> MakeConfig:
    """A function that returns the settings of a student of few channels and six updates."""

    def call(*more: str) -> Config:
        settings = (
            f"prior.poses={tiny_prior_in_space}",
            "prior.place=body",
            "student.width=4",
            "student.steps=6",
            "student.batch_size=4",
            "student.figures=2",
            "student.guess_every=2",
            "student.alone=0.3",
            "data.mirror=true",
        )
        return tiny_config(*settings, *more).for_student()

    return call


@pytest.fixture(scope="module")
def teacher(tiny_config: MakeConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the method with fresh weights."""
    return _checkpoint(tmp_path_factory.mktemp("teacher"), tiny_config(), H36M)


def _checkpoint(folder: Path, config: Config, skeleton: Skeleton, *, student: bool = False) -> Path:
    torch.manual_seed(0)  # fresh weights have no generator of their own
    model = (
        assemble_student(config, skeleton) if student else assemble_model(config.model, skeleton)
    )
    save_checkpoint(folder, model.eval(), config=config, skeleton=skeleton, step=1, metrics={})
    return folder


def _lines(run: Path, phase: str = "train") -> list[dict[str, Any]]:
    return [
        {name: value for name, value in line.items() if name != "seconds"}
        for line in read_metrics(run)
        if line["phase"] == phase
    ]


def _weights(run: Path) -> dict[str, Tensor]:
    return load_model(run / "checkpoints" / "last").model.state_dict()


class _Interrupter:
    """A listener that presses Ctrl-C once training, or another phase, has come to a step."""

    def __init__(self, step: int, *, phase: str = "train") -> None:
        self.step, self.phase = step, phase
        self.trainer: StudentTrainer | None = None
        self.messages: list[str] = []

    def on_progress(self, progress: Progress) -> None:
        if (progress.phase, progress.step) == (self.phase, self.step):
            assert self.trainer is not None
            self.trainer._interrupt()

    def on_message(self, message: str) -> None:
        self.messages.append(message)


@pytest.fixture(autouse=True)
def _every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("student", "guess_rounds"):
        monkeypatch.setattr(f"keypointgan.training.{module}._PROGRESS_SECONDS", 0.0)


def test_a_run_learns_from_figures_and_then_from_its_guesses(
    make: MakeConfig, tmp_path: Path
) -> None:
    """Guesses are made before update 3, the first after 0.3 of six updates that 2 divides."""
    outcome = StudentTrainer(tmp_path, make("training.panels=1")).fit()
    assert (outcome.step, outcome.reason) == (6, "steps")
    lines = _lines(tmp_path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    figures = {"loss_figure_heatmaps", "loss_figure_points", "loss_figure_error"}
    always = figures | {"step", "phase", "loss_student", "norm_student"}
    guessed = {"loss_real_heatmaps", "loss_real_points", "loss_real_error", "trust"}
    assert [line.keys() - always for line in lines[:2]] == [set(), set()]
    assert all(line.keys() == always | guessed for line in lines[2:])
    loaded = load_model(tmp_path)
    assert isinstance(loaded.model, Student)
    assert (loaded.size, loaded.step, loaded.skeleton) == (64, 6, H36M)
    panels = sorted((tmp_path / "panels").iterdir())
    assert [panel.name for panel in panels] == ["0000003.png", "0000006.png"]
    with Image.open(panels[0]) as picture:
        assert picture.size == (4 * 128, 128), "four frames for one row asked for"


def test_stop_and_resume_equal_no_stop_bit_for_bit(make: MakeConfig, tmp_path: Path) -> None:
    """Stopped before there are guesses, and at an evaluation when there are."""
    config = make("student.drawn_at_once=2")
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    StudentTrainer(straight, config).fit()
    for step in (1, 3):
        listener = _Interrupter(step)
        trainer = listener.trainer = StudentTrainer(stopped, config, listener=listener)
        assert trainer.fit().reason == "interrupted"
        assert trainer.state.step == step
    assert StudentTrainer(stopped, config).fit().step == 6
    assert _lines(stopped) == _lines(straight)
    ours, theirs = (load_resume_state(run, network="student") for run in (stopped, straight))
    assert ours is not None
    assert theirs is not None
    for state in (ours["state"], theirs["state"]):
        del state["seconds"]
    assert_close(ours, theirs, atol=0, rtol=0)
    assert_close(_weights(stopped), _weights(straight), atol=0, rtol=0)


def test_the_same_seed_gives_the_same_student_and_another_another(
    make: MakeConfig, tmp_path: Path
) -> None:
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        StudentTrainer(tmp_path / name, make("student.steps=1", f"training.seed={seed}")).fit()
    one, again, other = (_weights(tmp_path / name) for name in ("one", "again", "other"))
    assert_close(one, again, atol=0, rtol=0)
    assert not torch.equal(one["out.weight"], other["out.weight"])


def test_the_labels_of_one_batch_are_learnt(
    make: MakeConfig, tiny_store: Path, tmp_path: Path
) -> None:
    """Two labelled frames as they are: both losses fall to 0.6 or less."""
    config = make(
        "training.supervised=true",
        f"training.supervised_labels={tiny_store / 'labels.npz'}",
        "training.supervised_limit=2",
        "training.evaluate_every=50",
        "student.steps=50",
        "student.width=8",
        "student.learning_rate=3e-2",
        *(f"student.{name}=0" for name in ("rotation", "scale", "shift", "light", "hidden")),
        "data.mirror=false",
    )
    StudentTrainer(tmp_path, config).fit()
    lines = _lines(tmp_path)
    assert all(line["trust"] == 1 for line in lines)
    assert not any("loss_figure_points" in line for line in lines)
    for name in ("loss_real_points", "loss_real_heatmaps"):
        losses = [line[name] for line in lines]
        assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])


def test_the_best_checkpoint_is_that_of_the_least_error(
    make: MakeConfig, tiny_store: Path, tmp_path: Path
) -> None:
    errors = iter([5.0, 3.0, 4.0])

    def evaluate(predicted: np.ndarray, labels: Labels) -> dict[str, float]:
        assert predicted.shape == labels.xy.shape == (6, 17, 2)
        return {"error": next(errors)}

    config = make(
        f"data.validation_labels={tiny_store / 'labels.npz'}",
        "training.evaluate_every=1",
        "student.steps=3",
    )
    StudentTrainer(tmp_path, config, evaluate=evaluate).fit()
    assert [line["error"] for line in _lines(tmp_path, "evaluate")] == [5.0, 3.0, 4.0]
    assert load_model(tmp_path).step == 2


def test_a_student_goes_on_from_another(make: MakeConfig, tmp_path: Path) -> None:
    """From its weights, where they are of the same width."""
    config = make()
    other = _checkpoint(tmp_path / "other", config, H36M, student=True)
    trainer = StudentTrainer(tmp_path / "run", make(f"student.start={other}"))
    wanted = load_model(other).model.state_dict()
    for model in (trainer.state.model, trainer.state.averaged):
        assert_close(dict(model.state_dict()), dict(wanted), atol=0, rtol=0)
    for setting in ("student.width=8", "student.backbone=mobilenet_v2"):
        with pytest.raises(CheckpointError, match=r"expected a student of width . and backbone"):
            StudentTrainer(tmp_path / "wide", make(f"student.start={other}", setting))


def test_a_student_begins_with_the_weights_of_photographs(make: MakeConfig, tmp_path: Path) -> None:
    """Its backbone is what they are; a checkpoint and a run that goes on need no file of them."""
    network = MobileNetV2()
    folded = {
        f"{name.removesuffix('.conv')}.{key}": value
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d)
        for key, value in (("weight", module.weight), ("bias", torch.zeros(len(module.weight))))
    }
    weights = tmp_path / "photographs.safetensors"
    save_file({key: value.detach().clone() for key, value in folded.items()}, weights)
    settings = ("student.backbone=mobilenet_v2", f"student.backbone_weights={weights}")
    config = make(*settings, "student.steps=1")
    trainer = StudentTrainer(tmp_path / "run", config)
    for model in (trainer.state.model, trainer.state.averaged):
        assert model.backbone is not None
        assert_close(model.backbone.stem.conv.weight, network.stem.conv.weight)
    trainer.fit()
    weights.unlink()
    assert load_model(tmp_path / "run").step == 1
    longer = make(*settings, "student.steps=2")
    assert StudentTrainer(tmp_path / "run", longer).fit().step == 2


def test_another_student_guesses_before_the_first_update(make: MakeConfig, tmp_path: Path) -> None:
    """One of another shape can teach what cannot go on from it."""
    wide = make("student.width=8", "training.seed=1")
    other = _checkpoint(tmp_path / "other", wide, H36M, student=True)
    config = make("student.figures=0", "student.steps=1", "student.alone=0")
    trainer = StudentTrainer(tmp_path / "run", config, teacher=other)
    trainer.fit()
    assert isinstance(trainer.teacher, Student)
    assert trainer.state.guesses is not None
    with pytest.raises(CheckpointError, match="expected a teacher of the joints of"):
        StudentTrainer(tmp_path / "faces", make("model.skeleton=face68"), teacher=other)
    with pytest.raises(CheckpointError, match="expected encoder, regressor and decoder, got a stu"):
        StudentTrainer(tmp_path / "painted", make("student.synthesis=2"), teacher=other)


def test_a_committee_guesses_with_the_student(make: MakeConfig, tmp_path: Path) -> None:
    """What it makes of the frames is not what the student alone makes of them."""
    other = _checkpoint(tmp_path / "other", make("training.seed=1"), H36M, student=True)
    found: list[Tensor] = []
    for committee in ("[]", f'["{other}"]'):
        settings = ("student.alone=0", "student.guess_every=1", "student.figures=1")
        config = make(f"student.committee={committee}", "student.steps=2", *settings)
        trainer = StudentTrainer(tmp_path / str(len(found)), config)
        trainer.fit()
        assert trainer.state.guesses is not None
        found.append(trainer.state.guesses.points)
    assert not torch.allclose(*found)


def test_only_students_are_in_a_committee(make: MakeConfig, teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"got another network .* with student\.committee"):
        StudentTrainer(tmp_path, make(f'student.committee=["{teacher}"]'))


def test_a_run_that_is_taken_up_does_not_start_anew(make: MakeConfig, tmp_path: Path) -> None:
    """Nor does it need what it started from any more."""
    config = make(f"student.start={tmp_path / 'other'}", "student.steps=2", "student.figures=1")
    _checkpoint(tmp_path / "other", config, H36M, student=True)
    listener = _Interrupter(1)
    trainer = listener.trainer = StudentTrainer(tmp_path / "run", config, listener=listener)
    trainer.fit()
    shutil.rmtree(tmp_path / "other")
    assert StudentTrainer(tmp_path / "run", config).fit().step == 2


def test_only_a_student_can_be_gone_on_from(
    make: MakeConfig, teacher: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="expected a student of the joints of h36m17"):
        StudentTrainer(tmp_path, make(f"student.start={teacher}"))


def test_without_labels_the_last_evaluation_is_the_best(make: MakeConfig, tmp_path: Path) -> None:
    settings = ("training.evaluate_every=1", "student.steps=2", "student.figures=1")
    StudentTrainer(tmp_path, make(*settings)).fit()
    assert load_model(tmp_path / "checkpoints" / "best").step == 2


def test_a_teacher_guesses_before_the_first_update(
    make: MakeConfig, teacher: Path, tmp_path: Path
) -> None:
    """Figures are not needed then. A stopped run has its guesses, and needs no teacher again."""
    config = make("student.figures=0", "student.guess_every=100", "student.steps=3")
    listener = _Interrupter(1)
    trainer = listener.trainer = StudentTrainer(
        tmp_path, config, teacher=teacher, listener=listener
    )
    trainer.fit()
    assert StudentTrainer(tmp_path, config).fit().step == 3
    assert all("loss_real_points" in line for line in _lines(tmp_path))


def test_frames_that_a_teacher_paints_are_learnt_from(
    make: MakeConfig, teacher: Path, tmp_path: Path
) -> None:
    config = make("student.synthesis=2", "student.figures=0", "student.real=0", "student.steps=2")
    StudentTrainer(tmp_path, config, teacher=teacher).fit()
    lines = _lines(tmp_path)
    assert len(lines) == 2
    assert all(line["loss_figure_points"] > 0 for line in lines)
    assert not any("trust" in line for line in lines)


def test_painted_frames_are_what_the_teacher_s_decoder_makes_of_the_pose(
    make: MakeConfig, teacher: Path, tmp_path: Path
) -> None:
    """Figures come first, painted frames after them, each with its own points."""
    config = make("student.synthesis=3")
    trainer = StudentTrainer(tmp_path, config, teacher=teacher)
    assert isinstance(trainer.known, Together)
    batch = trainer.known.sample(1, generator=torch.Generator().manual_seed(0))
    assert batch.frame.shape == (5, 3, 64, 64)
    painted, pose = batch.frame[2:], batch.keypoints[2:]
    trainer_teacher = trainer.teacher
    assert trainer_teacher is not None
    drawn = trainer_teacher.draw(pose, size=(64, 64))
    bank = trainer.data.bank
    candidates = bank.fetch(trainer.data.sampler.rows)
    with torch.no_grad():
        for index in range(3):
            made = trainer_teacher.decoder(
                drawn[index : index + 1].expand(len(candidates), -1, -1, -1), candidates
            )
            off = (made.clamp(-1, 1) - painted[index]).abs().amax(dim=(1, 2, 3))
            assert float(off.min()) < 1e-4, "in the appearance of one of the training frames"


def test_figures_do_not_enter_the_running_statistics(make: MakeConfig, tmp_path: Path) -> None:
    """With figures of pure white or of pure black the running means stay the same."""

    class Plain:
        def __init__(self, brightness: float) -> None:
            self.brightness = brightness

        def sample(self, step: int, *, generator: torch.Generator) -> FigureBatch:
            frame = torch.full((2, 3, 64, 64), self.brightness)
            return FigureBatch(frame, torch.zeros(2, 17, 2))

    means = []
    for brightness in (-1.0, 1.0):
        trainer = StudentTrainer(tmp_path / str(brightness), make())
        trainer.update.known = Plain(brightness)
        trainer.state.step = 1
        trainer.update(trainer.state, generator=torch.Generator().manual_seed(0))
        norm = trainer.state.model.stem[1]
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        means.append(norm.running_mean.clone())
    assert_close(means[0], means[1], atol=0, rtol=0)
    assert means[0].abs().max() > 0, "those of real frames do"


def test_statistics_are_gathered_again_afterwards() -> None:
    """As fast as before, also after an error."""
    norm = nn.BatchNorm2d(1, momentum=0.25)
    with statistics_kept(norm):
        norm(torch.full((2, 1, 2, 2), 8.0))
    with pytest.raises(ValueError, match="4D"), statistics_kept(norm):
        norm(torch.zeros(1))
    assert norm.running_mean is not None
    assert_close(norm.running_mean, torch.zeros(1))
    norm(torch.full((2, 1, 2, 2), 8.0))
    assert_close(norm.running_mean, torch.tensor([2.0]))


def test_figures_drawn_ahead_are_each_used_once() -> None:
    """Blocks of three updates; any of them can be the first that is asked for."""

    class Numbered:
        def sample(self, count: int, *, generator: torch.Generator) -> FigureBatch:
            first = torch.randint(1000, (1,), generator=generator) * 100
            points = (first + torch.arange(count)).float().view(-1, 1, 1).expand(-1, 1, 2)
            return FigureBatch(torch.zeros(count, 3, 4, 4), points)

    def ahead() -> DrawnAhead:
        return DrawnAhead(Numbered(), count=2, updates=3, seed=0, device=torch.device("cpu"))

    generator = torch.Generator()
    one = ahead()
    drawn = [one.sample(step, generator=generator).keypoints[:, 0, 0] for step in range(1, 7)]
    for block in (drawn[:3], drawn[3:]):
        first = block[0][0]
        assert_close(torch.cat(block), first + torch.arange(6.0))
    assert drawn[0][0] != drawn[3][0]
    assert_close(ahead().sample(5, generator=generator).keypoints[:, 0, 0], drawn[4])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("student.figures=0",), r"student\.figures: expected something to learn from"),
        (("student.figures=0", "student.synthesis=2"), r"student\.synthesis: expected a teacher"),
        (("training.devices=2",), r"training\.devices: expected 1"),
    ],
)
def test_a_run_without_anything_to_learn_from_is_refused(
    make: MakeConfig, tmp_path: Path, settings: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        StudentTrainer(tmp_path / "run", make(*settings))
    assert not (tmp_path / "run").exists()


def test_sides_by_the_prior_need_a_skeleton_of_few_pairs(
    tiny_config: MakeConfig, tmp_path: Path
) -> None:
    """68 landmarks of a face have 29 pairs: more namings than can be compared."""
    config = tiny_config("model.skeleton=face68", "student.sides_by_prior=true").for_student()
    with pytest.raises(ConfigError, match=r"sides_by_prior: expected a skeleton with 1 to 8 pairs"):
        StudentTrainer(tmp_path / "run", config)


def test_a_student_learns_from_guesses_named_by_the_prior(
    make: MakeConfig, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What names them is learnt once, from the prior of the run."""
    seeds = []

    def learn(prior: Prior, *, seed: int, device: torch.device, progress: Watch) -> Naming:
        seeds.append(seed)
        return learn_naming(prior, seed=seed, device=device, progress=progress, updates=2)

    monkeypatch.setattr("keypointgan.training.guess_rounds.learn_naming", learn)
    trainer = StudentTrainer(
        tmp_path / "run", make("student.sides_by_prior=true", "training.seed=5"), teacher=teacher
    )
    assert trainer.fit().step == 6
    assert seeds == [5]


def test_a_student_keeps_what_names_its_sides_and_a_run_that_is_taken_up_too(
    make: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same as of a run that was not stopped."""
    rounds = "keypointgan.training.guess_rounds"
    monkeypatch.setattr(f"{rounds}.learn_naming", partial(learn_naming, updates=2))
    config = make("student.sides_by_prior=true", "student.guess_every=1", "student.alone=0")
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    StudentTrainer(straight, config).fit()
    listener = _Interrupter(3)
    trainer = listener.trainer = StudentTrainer(stopped, config, listener=listener)
    trainer.fit()
    monkeypatch.delattr(f"{rounds}.learn_naming")  # it is not learnt again
    assert StudentTrainer(stopped, config).fit().step == 6
    assert _lines(stopped) == _lines(straight)
    assert_close(_weights(stopped), _weights(straight), atol=0, rtol=0)
    loaded = load_model(stopped).model
    assert isinstance(loaded, Student)
    assert loaded.naming is not None
    assert not holds_naming(trainer.state.model.state_dict()), "nothing of it is trained"


@pytest.mark.parametrize("again", [False, True])
def test_who_goes_on_from_a_student_with_a_naming_learns_an_own_one_or_none(
    make: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    rounds = "keypointgan.training.guess_rounds"
    monkeypatch.setattr(f"{rounds}.learn_naming", partial(learn_naming, updates=2))
    config = make("student.steps=1")
    model = assemble_student(config, H36M, named=True)
    other = tmp_path / "other"
    save_checkpoint(other, model.eval(), config=config, skeleton=H36M, step=1, metrics={})
    settings = (f"student.start={other}", f"student.sides_by_prior={again}", "student.steps=1")
    StudentTrainer(tmp_path / "run", make(*settings)).fit()
    assert holds_naming(_weights(tmp_path / "run")) == again


def test_who_goes_on_without_a_prior_needs_no_figures_and_keeps_the_naming(
    make: MakeConfig, tmp_path: Path
) -> None:
    config = make("student.steps=1")
    torch.manual_seed(0)
    model = assemble_student(config, H36M, named=True)
    other = tmp_path / "other"
    save_checkpoint(other, model.eval(), config=config, skeleton=H36M, step=1, metrics={})
    settings = ("prior.poses=null", "student.figures=0", "student.sides_by_prior=true")
    config = make(f"student.start={other}", *settings, "student.steps=2")
    assert StudentTrainer(tmp_path / "run", config).fit().step == 2
    found, before = _weights(tmp_path / "run"), load_model(other).model.state_dict()
    assert found.keys() == before.keys()
    of_naming = [name for name in before if name.startswith("naming.")]
    assert of_naming
    assert all(torch.equal(found[name], before[name]) for name in of_naming)


@pytest.mark.parametrize("phase", ["sides", "guess"])
def test_a_stop_between_updates_is_heard_and_changes_nothing(
    make: MakeConfig,
    teacher: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    """While the first guesses are made, which takes minutes; the run then makes them anew."""
    rounds = "keypointgan.training.guess_rounds"
    monkeypatch.setattr(f"{rounds}.learn_naming", partial(learn_naming, updates=2))
    monkeypatch.setattr(f"{rounds}.guess", partial(guess, batch=4))
    config = make("student.sides_by_prior=true")
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    StudentTrainer(straight, config, teacher=teacher).fit()
    listener = _Interrupter({"sides": 256, "guess": 4}[phase], phase=phase)
    trainer = listener.trainer = StudentTrainer(stopped, config, teacher=teacher, listener=listener)
    outcome = trainer.fit()
    assert (outcome.reason, outcome.step) == ("interrupted", 0)
    assert trainer.state.guesses is None
    assert StudentTrainer(stopped, config, teacher=teacher).fit().step == 6
    assert _lines(stopped) == _lines(straight)


def test_a_teacher_whose_guesses_do_not_count_is_not_enough(
    make: MakeConfig, teacher: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="no guesses that count"):
        StudentTrainer(tmp_path, make("student.figures=0", "student.real=0"), teacher=teacher)


def test_a_teacher_of_other_joints_is_refused(
    make: MakeConfig, tiny_config: MakeConfig, tmp_path: Path
) -> None:
    folder = _checkpoint(tmp_path / "teacher", tiny_config(), Skeleton.load("penn13"))
    with pytest.raises(CheckpointError, match="joints of h36m17, got one of penn13"):
        StudentTrainer(tmp_path / "run", make(), teacher=folder)


def test_a_painter_that_keeps_plates_needs_the_run_s_plates(
    make: MakeConfig, tiny_config: MakeConfig, tmp_path: Path
) -> None:
    keeping = tiny_config("model.background=plate")
    folder = _checkpoint(tmp_path / "teacher", keeping, H36M)
    with pytest.raises(ConfigError, match=r"model\.background: expected 'plate' as the teacher"):
        StudentTrainer(tmp_path / "run", make("student.synthesis=2"), teacher=folder)
    config = make("student.synthesis=2", "student.steps=1", "model.background=plate")
    assert StudentTrainer(tmp_path / "run", config, teacher=folder).fit().step == 1


def test_a_run_of_the_method_is_not_taken_up_as_a_student_nor_the_other_way_round(
    make: MakeConfig, tiny_config: MakeConfig, tmp_path: Path
) -> None:
    for folder, student in (("method", False), ("student", True)):
        config = make() if student else tiny_config()
        path = _checkpoint(
            tmp_path / folder / "checkpoints" / "last", config, H36M, student=student
        )
        torch.save({"state": {}}, path / "resume.pt")
    with pytest.raises(CheckpointError, match="expected a run of 'keypointgan distill', got one"):
        StudentTrainer(tmp_path / "method", make())
    with pytest.raises(CheckpointError, match="expected a run of 'keypointgan train', got one"):
        Trainer(tmp_path / "student", tiny_config())


def test_weights_that_are_no_numbers_never_replace_a_checkpoint(
    make: MakeConfig, tmp_path: Path
) -> None:
    trainer = StudentTrainer(tmp_path, make("training.save_every=1", "training.log_every=5"))
    update = trainer.update

    def poisoned(state: StudentState, *, generator: torch.Generator) -> dict[str, Tensor]:
        losses = update(state, generator=generator)
        if trainer.state.step == 2:
            trainer.state.averaged.out.weight.data.fill_(torch.nan)
        return losses

    trainer.update = poisoned  # type: ignore[assignment] - as a broken driver might
    with pytest.raises(TrainingError, match=r"out\.weight is not a number any more at step 2"):
        trainer.fit()
    assert load_model(tmp_path / "checkpoints" / "last").step == 1


@pytest.mark.parametrize("kind", [Trainer, StudentTrainer])
def test_no_loop_emulates_bfloat16(
    make: MakeConfig,
    tiny_config: MakeConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Trainer] | type[StudentTrainer],
) -> None:
    """The settings are kept as they are, for another machine may take the run up."""
    monkeypatch.setattr("keypointgan.training.process.has_bfloat16", lambda device: False)
    listener = _Interrupter(0)
    precision = "training.precision=bf16-mixed"
    config = make(precision) if kind is StudentTrainer else tiny_config(precision)
    trainer = kind(tmp_path, config, listener=listener)
    with trainer.fabric.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert listener.messages == [NO_BFLOAT16]
    assert precision.replace("training.", "").replace("=", ": ") in (
        tmp_path / "config.yaml"
    ).read_text(encoding="utf-8")


def test_the_time_is_up(make: MakeConfig, tmp_path: Path) -> None:
    outcome = StudentTrainer(tmp_path, make("training.minutes=1e-6")).fit()
    assert (outcome.reason, outcome.step) == ("minutes", 1)
    assert len(_lines(tmp_path, "evaluate")) == 1


def test_the_step_size_rises_and_then_falls_along_a_cosine(make: MakeConfig) -> None:
    """Over 200 updates; after half of 1000 half of it is left, at the end a thousandth."""
    config = make("student.steps=1000")
    for step, expected in (
        (100, 0.5 * (0.5 + 0.5 * math.cos(0.1 * math.pi))),
        (500, 0.5),
        (1000, 0),
    ):
        found = student_rate(config, step=step, seconds=0.0)
        assert found == pytest.approx(expected + 1e-3)


def test_a_student_s_loop_has_its_own_length_and_batch(make: MakeConfig) -> None:
    config = make("training.steps=77", "training.batch_size=9")
    assert (config.training.steps, config.training.batch_size) == (6, 4)
    assert json.loads(config.model_dump_json())["student"]["steps"] == 6
