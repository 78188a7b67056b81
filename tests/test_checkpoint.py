"""Checkpoints come back as they were, and no failed write costs the one before."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch.optim import Adam
from torch.testing import assert_close

from keypointgan.assemble import assemble_model, assemble_student
from keypointgan.checkpoint import (
    PRETRAINED,
    list_pretrained,
    load_model,
    load_resume_state,
    load_weights,
    save_checkpoint,
)
from keypointgan.config import Config
from keypointgan.errors import CheckpointError, TrainingError
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.naming import holds_naming
from keypointgan.models.student import Student
from keypointgan.skeletons import Skeleton
from keypointgan.training.student_state import StudentState

H36M = Skeleton.load("h36m17")
Save = Callable[..., Path]


@pytest.fixture
def model(tiny_config: Callable[..., Config]) -> KeypointGAN:
    return assemble_model(tiny_config().model, H36M)


@pytest.fixture
def save(tiny_config: Callable[..., Config], model: KeypointGAN, tmp_path: Path) -> Save:
    """A function that writes the last checkpoint of a run at some step; returns its folder."""

    def call(step: int, **more: Any) -> Path:
        folder = tmp_path / "checkpoints" / "last"
        save_checkpoint(
            folder,
            model,
            config=tiny_config(),
            skeleton=H36M,
            step=step,
            metrics={"error": step / 2},
            **{"resume": {"state": {"step": step}}, **more},
        )
        return folder

    return call


def _full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_checkpoint_comes_back_as_it_was(
    save: Save, model: KeypointGAN, tiny_config: Callable[..., Config]
) -> None:
    loaded = load_model(save(7))
    assert_close(loaded.model.state_dict(), model.state_dict(), atol=0, rtol=0)
    assert not loaded.model.training
    assert loaded.skeleton == H36M
    assert loaded.config == tiny_config()
    assert (loaded.size, loaded.step, loaded.metrics) == (64, 7, {"error": 3.5})


@pytest.mark.parametrize("half", [False, True])
def test_a_student_comes_back_with_what_names_its_sides(
    tiny_config: Callable[..., Config], tmp_path: Path, half: bool
) -> None:
    """Also where the settings do not speak of it; one without comes back without."""
    config = tiny_config("student.width=4").for_student()
    for named in (True, False):
        student = assemble_student(config, H36M, named=named)
        if student.naming is not None:
            student.naming.shares += 0.25
        save_checkpoint(
            tmp_path, student, config=config, skeleton=H36M, step=1, metrics={}, half=half
        )
        loaded = load_model(tmp_path).model
        assert isinstance(loaded, Student)
        assert (loaded.naming is not None) == named
        assert holds_naming(loaded.state_dict()) == named
        if loaded.naming is not None:
            assert_close(loaded.naming.shares, torch.full((6,), 0.75), atol=0, rtol=0)
            assert loaded.naming.order == H36M.mirror


def test_a_student_learnt_by_the_prior_before_namings_were_kept_is_loaded_without(
    tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    config = tiny_config("student.width=4", "student.sides_by_prior=true").for_student()
    student = assemble_student(config, H36M)
    save_checkpoint(tmp_path, student, config=config, skeleton=H36M, step=1, metrics={})
    loaded = load_model(tmp_path)
    assert loaded.config.student.sides_by_prior
    assert isinstance(loaded.model, Student)
    assert loaded.model.naming is None


def test_a_student_of_an_earlier_version_is_loaded_and_taken_up(tmp_path: Path) -> None:
    """Weights and state lack the power of its errors, which is 1 then."""
    student = Student(keypoints=5, width=4)
    weights = {key: value for key, value in student.state_dict().items() if key != "power"}
    other = Student(keypoints=5, width=4)
    state = StudentState(other, other, Adam(other.parameters()))
    kept = state.state_dict() | {"model": weights, "averaged": weights}
    state.load_state_dict(kept, device=torch.device("cpu"))
    assert_close(other.state_dict(), student.state_dict())
    other = Student(keypoints=5, width=4)
    file = tmp_path / "weights.safetensors"
    save_file(weights, file)
    load_weights(other, file)
    assert_close(other.state_dict(), student.state_dict())


def test_the_humans_of_the_package_bring_what_names_their_sides() -> None:
    model = load_model("humans").model
    assert isinstance(model, Student)
    assert model.naming is not None


def test_a_run_a_folder_and_a_file_name_the_same_model(save: Save, tmp_path: Path) -> None:
    folder = save(7)
    for path in (tmp_path, folder, folder / "model.safetensors"):
        assert load_model(path).step == 7


def test_the_release_s_coordinates_are_remembered(
    tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    model = assemble_model(tiny_config().model, H36M, align_corners=True)
    save_checkpoint(
        tmp_path / "converted", model, config=tiny_config(), skeleton=H36M, step=0, metrics={}
    )
    assert load_model(tmp_path / "converted").model.align_corners


def test_half_precision_halves_the_file(save: Save, model: KeypointGAN) -> None:
    whole = (save(1) / "model.safetensors").stat().st_size
    folder = save(2, half=True)
    assert (folder / "model.safetensors").stat().st_size < 0.52 * whole
    loaded = load_model(folder).model
    expected = {
        name: value.half().float() if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    assert_close(loaded.state_dict(), expected, atol=0, rtol=0)


def test_the_state_to_resume_comes_back(save: Save, tmp_path: Path) -> None:
    assert load_resume_state(tmp_path) is None
    save(3, resume={"tensor": torch.arange(3), "step": 3})
    values = load_resume_state(tmp_path)
    assert values is not None
    assert values["step"] == 3
    assert values["tensor"].tolist() == [0, 1, 2]


def test_a_full_disk_keeps_the_checkpoint_before(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(1)
    monkeypatch.setattr("keypointgan.checkpoint.save_file", _full_disk)
    with pytest.raises(TrainingError, match=r"no space left on the disk.*before it is kept.*Free"):
        save(2)
    assert load_model(folder).step == 1
    assert load_resume_state(tmp_path) == {"state": {"step": 1}}
    assert [path.name for path in folder.parent.iterdir()] == ["last"], "nothing half done is left"


@pytest.mark.parametrize(
    ("writer", "error"),
    [
        ("save_file", SafetensorError("Error while serializing: I/O error")),
        ("torch.save", RuntimeError("PytorchStreamWriter failed writing file data/1")),
        ("torch.save", OSError(errno.EDQUOT, "Disk quota exceeded")),
        ("os.fsync", OSError(errno.EIO, "Input/output error")),
    ],
)
def test_a_write_that_fails_halfway_keeps_the_checkpoint_before(
    save: Save, monkeypatch: pytest.MonkeyPatch, writer: str, error: Exception
) -> None:
    folder = save(1)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(f"keypointgan.checkpoint.{writer}", fail)
    with pytest.raises(TrainingError, match="The one before it is kept"):
        save(2)
    monkeypatch.undo()
    assert load_model(folder).step == 1
    save(3)
    assert load_model(folder).step == 3


def test_a_rename_that_fails_brings_the_checkpoint_before_back(
    save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the old one has been moved aside, before the new one has its name."""
    folder, rename = save(1), Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == ".last.part":
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(TrainingError, match="The one before it is kept"):
        save(2)
    assert folder.is_dir()
    assert load_model(folder).step == 1


def test_a_first_checkpoint_that_fails_claims_no_other(
    save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keypointgan.checkpoint.save_file", _full_disk)
    with pytest.raises(TrainingError) as caught:
        save(1)
    assert "kept" not in str(caught.value)


def test_a_kill_between_the_renames_is_mended(save: Save, tmp_path: Path) -> None:
    folder = save(4)
    folder.rename(folder.with_name(".last.old"))
    assert load_model(tmp_path).step == 4
    folder.rename(folder.with_name(".last.old"))
    assert load_resume_state(tmp_path) == {"state": {"step": 4}}


def test_a_finished_write_is_not_undone_by_what_a_kill_left_of_the_old(
    save: Save, tmp_path: Path
) -> None:
    folder = save(5)
    (folder.with_name(".last.old")).mkdir()
    assert load_model(tmp_path).step == 5
    save(6)
    assert [path.name for path in folder.parent.iterdir()] == ["last"]


def test_an_empty_folder_says_what_makes_a_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"model\.safetensors.*keypointgan train"):
        load_model(tmp_path)
    with pytest.raises(CheckpointError, match="found no file"):
        load_model(tmp_path / "absent.safetensors")


def test_the_weights_of_another_skeleton_name_the_layer_and_the_way_out(
    save: Save, tiny_config: Callable[..., Config]
) -> None:
    """Thirteen joints instead of seventeen: the last layer of the regressor is another."""
    other = assemble_model(tiny_config().model, Skeleton.load("penn13"))
    with pytest.raises(
        CheckpointError,
        match=r"'regressor\.out\.weight' of shape \(13, .*got \(17, .*of another skeleton",
    ):
        load_weights(other, save(1) / "model.safetensors")


def test_damaged_weights_are_named(save: Save) -> None:
    file = save(1) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: expected weights"):
        load_model(file)


@pytest.mark.parametrize("text", ["", '{"format": 1, "st', "[]", '{"format": 1}', "{}"])
def test_a_damaged_description_is_named(save: Save, text: str) -> None:
    folder = save(1)
    (folder / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"expected .*model\.json|model\.json: expected"):
        load_model(folder)


def test_weights_without_a_description_are_no_checkpoint(save: Save) -> None:
    folder = save(1)
    (folder / "model.json").unlink()
    with pytest.raises(CheckpointError, match=r"expected model\.json beside the weights"):
        load_model(folder)


def test_a_checkpoint_of_a_later_version_is_refused(save: Save) -> None:
    file = save(1) / "model.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(values | {"format": 2}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"expected format 1, got 2.*version"):
        load_model(file.parent)


def test_settings_of_another_version_are_refused(save: Save) -> None:
    file = save(1) / "model.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    values["config"]["model"]["depth"] = 5
    file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"model\.depth.*another version of keypointgan"):
        load_model(file.parent)


def test_a_damaged_state_says_how_to_go_on(save: Save, tmp_path: Path) -> None:
    file = save(1) / "resume.pt"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"resume\.pt: expected the state of a run"):
        load_resume_state(tmp_path)


def test_a_detector_that_comes_with_the_package_is_loaded_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load_model("faces")
    assert loaded.skeleton.name == "face68"
    assert all(value.dtype != torch.float16 for value in loaded.model.state_dict().values())


def test_a_run_of_the_same_name_goes_before_the_detector_of_the_package(
    monkeypatch: pytest.MonkeyPatch, save: Save, tmp_path: Path
) -> None:
    save(3).parent.rename(tmp_path / "faces")
    (tmp_path / "faces" / "last").rename(tmp_path / "run")
    (tmp_path / "faces").rmdir()
    (tmp_path / "run").rename(tmp_path / "faces")
    monkeypatch.chdir(tmp_path)
    assert load_model("faces").step == 3


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(CheckpointError, match=r"comes with keypointgan \(.*faces.*\), got 'cars'"):
        load_model("cars")


@pytest.mark.parametrize("name", list_pretrained())
def test_a_detector_of_the_package_tells_no_path_of_the_machine_it_was_trained_on(
    name: str,
) -> None:
    config = load_model(name).config
    assert config.data.store is config.prior.poses is config.data.validation_labels is None
    assert (PRETRAINED / name / "model.safetensors").stat().st_size < 16 * 2**20
