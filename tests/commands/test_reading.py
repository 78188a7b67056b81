"""Sides along the clips of a labelled store, and what an evaluation says of them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.assemble import assemble_naming, assemble_student
from keypointgan.checkpoint import load_model, save_checkpoint
from keypointgan.commands.reading import fetch_squares, look_at, named_along_clips
from keypointgan.commands.scoring import score
from keypointgan.config import Config
from keypointgan.data.index import Clip
from keypointgan.data.pairs import FrameBank
from keypointgan.data.store import Store
from keypointgan.errors import ConfigError
from keypointgan.models.naming import Naming
from keypointgan.models.plausibility import Plausibility
from keypointgan.ops.framing import view_of
from keypointgan.ops.warp import warp_frames
from keypointgan.skeletons import Skeleton

H36M = Skeleton.load("h36m17")
ORDER = (1, 0)
CPU = torch.device("cpu")
CLIPS = (
    Clip("film", source="a", start=0, frames=6, fps=25.0, crop=None, group="a"),
    Clip("photographs", source="b", start=6, frames=3, fps=0.0, crop=None, group="b"),
)


class _Silent(Plausibility):
    def forward(self, poses: Tensor) -> Tensor:
        return torch.zeros(len(poses))


def test_neighbours_of_a_clip_put_each_other_right_and_photographs_do_not() -> None:
    """Labels in any order; frame 3 of the film has none, so that frames 4 and 5 are on their own.

    Only frames 1 and 5 know; they were read as they are, which the others were not.
    """
    truth = np.array([[0.5, 0.0], [-0.5, 0.0]], np.float32)
    rows = np.array([8, 5, 1, 0, 2, 4, 7, 6])
    knows = np.isin(rows, (1, 5, 6))
    points = np.where(knows[:, None, None], truth, truth[::-1])
    evidence = np.where(knows[:, None], 400.0, 0.0) * np.ones((1, 2))
    naming = Naming(_Silent(keypoints=2, width=1), ORDER)
    found = named_along_clips(points, evidence, None, rows, clips=CLIPS, naming=naming)
    right = (found == truth).all(axis=(1, 2))
    assert dict(zip(rows.tolist(), right.tolist(), strict=True)) == {
        **dict.fromkeys((0, 1, 2, 4, 5), True),
        6: True,
        7: False,
        8: False,
    }


def test_frames_of_a_gap_do_not_speak_for_each_other() -> None:
    """Frame 1 is sure of the other names; frames 3 and 4, two later, do not hear of it."""
    truth = np.array([[0.5, 0.0], [-0.5, 0.0]], np.float32)
    rows = np.array([0, 1, 3, 4])
    evidence = np.array([[0.0, 0.0], [-400.0, -400.0], [0.0, 0.0], [0.0, 0.0]])
    found = named_along_clips(
        np.stack([truth] * 4),
        evidence,
        None,
        rows,
        clips=CLIPS,
        naming=Naming(_Silent(keypoints=2, width=1), ORDER),
    )
    assert (found == truth).all(axis=(1, 2)).tolist() == [False, False, True, True]


@pytest.fixture
def student(tiny_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Path]:
    """A function that saves a student with fresh weights, which can name sides or cannot."""

    def call(*, named: bool, margin: float | None = None) -> Path:
        asks = () if margin is None else (f"student.margin={margin}",)
        config = tiny_config("student.width=4", *asks).for_student()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = assemble_student(config, H36M).eval()
            model.naming = assemble_naming(H36M) if named else None
            model.out.weight.data *= 100  # its answers depend on the frame
        folder = tmp_path / f"student-{named}"
        save_checkpoint(folder, model, config=config, skeleton=H36M, step=1, metrics={})
        return folder

    return call


@pytest.mark.parametrize("flip_average", [False, True])
def test_an_evaluation_names_sides_by_default_and_says_so(
    student: Callable[..., Path], tiny_store: Path, flip_average: bool
) -> None:
    learnt = student(named=True)
    named = score(learnt, tiny_store, flip_average=flip_average, device="cpu")
    read = score(learnt, tiny_store, flip_average=flip_average, name_sides=False, device="cpu")
    assert json.loads(named.to_json())["named_sides"] is True
    assert json.loads(read.to_json())["named_sides"] is False
    assert named.evaluation.raw.mean != read.evaluation.raw.mean
    for scored, words in ((named, "named along clips"), (read, "as in single frames")):
        assert str(scored.to_table().title).endswith(f"Left and right: {words}.")


def test_an_evaluation_of_a_student_that_has_not_learnt_it_is_as_before(
    student: Callable[..., Path], tiny_store: Path
) -> None:
    """The same weights: what is read in single frames."""
    scored = score(student(named=False), tiny_store, device="cpu")
    read = score(student(named=True), tiny_store, name_sides=False, device="cpu")
    assert scored.evaluation.raw == read.evaluation.raw
    assert json.loads(scored.to_json())["named_sides"] is None
    assert "Left and right" not in str(scored.to_table().title)
    with pytest.raises(ConfigError, match="Expected a model that can name left and right"):
        score(student(named=False), tiny_store, name_sides=True, device="cpu")


def test_joints_of_a_clip_stay_on_their_tracks() -> None:
    """In frame 1 of the film one joint is read elsewhere, a little surer there than where it is."""
    truth = np.array([[0.5, 0.0], [-0.5, 0.0]], np.float32)
    rows = np.array([0, 1, 2, 6])
    here = np.concatenate([truth, np.zeros((2, 1), np.float32)], axis=1)
    nowhere = np.full((2, 3), -np.inf, np.float32)
    nowhere[:, :2] = 0
    peaks = np.stack([np.stack([here, nowhere], axis=1)] * 4)
    for frame in (1, 3):
        peaks[frame, 0] = [[0.5, 0.9, 0.0], [0.5, 0.0, -0.5]]
    points = peaks[:, :, 0, :2].copy()
    naming = Naming(_Silent(keypoints=2, width=1), ORDER)
    evidence = np.full((4, 2), 400.0)
    found = named_along_clips(points, evidence, peaks, rows, clips=CLIPS, naming=naming)
    assert (found == truth).all(axis=(1, 2)).tolist() == [True, True, True, False]


def test_an_evaluation_reads_twice_where_the_student_asks_for_it_and_says_so(
    student: Callable[..., Path], tiny_store: Path
) -> None:
    """Asked to, it does so with any model."""
    plain, framed = student(named=False), student(named=True, margin=1.4)
    once = score(plain, tiny_store, device="cpu")
    assert json.loads(once.to_json())["margin"] is None
    assert "Read again" not in str(once.to_table().title)
    twice = score(framed, tiny_store, name_sides=False, device="cpu")
    assert json.loads(twice.to_json())["margin"] == 1.4
    assert "squares 1.4 times as long as the object" in str(twice.to_table().title)
    assert twice.evaluation.raw != once.evaluation.raw
    again = score(framed, tiny_store, name_sides=False, reframe=False, device="cpu")
    assert again.evaluation.raw == once.evaluation.raw
    asked = score(plain, tiny_store, reframe=True, device="cpu")
    assert json.loads(asked.to_json())["margin"] == 1.3


def test_frames_are_looked_at_along_clips_whatever_their_order(
    student: Callable[..., Path], tiny_store: Path
) -> None:
    """Every second frame of two clips, from the last to the first, has the squares of its clip."""
    loaded = load_model(student(named=False), device=CPU)
    bank = FrameBank(Store.open(tiny_store), size=loaded.size, masked=False, device=CPU)
    rows = torch.arange(0, bank.store.clips[1].start + bank.store.clips[1].frames, 2)
    squares = look_at(loaded, bank, rows, margin=1.4)
    assert_close(look_at(loaded, bank, rows.flip(0), margin=1.4), squares.flip(0))
    clips = [rows < bank.store.clips[1].start, rows >= bank.store.clips[1].start]
    for clip in clips:
        assert_close(look_at(loaded, bank, rows[clip], margin=1.4), squares[clip])
    seen = fetch_squares(bank, rows, squares)(rows[[3, 1]])
    assert_close(seen, warp_frames(bank.fetch(rows[[3, 1]]), view_of(squares[[3, 1]])))
