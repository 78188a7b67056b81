"""From nothing to a report on synthetic figures, within minutes on a CPU: the method, a student."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from keypointgan.commands.console import TrainingView
from keypointgan.commands.runs import distill, train
from keypointgan.commands.scoring import Scored, default_output, score
from keypointgan.commands.settings import resolve
from keypointgan.config import Config
from keypointgan.data.labels import LABEL_FILE
from keypointgan.data.store import Store
from keypointgan.data.synthetic import synthetic_clips, write_synthetic, write_synthetic_prior
from keypointgan.data.synthetic_figure import FRAMES_PER_SECOND
from keypointgan.data.video import read_frames, write_video
from keypointgan.data.whole_files import write_text
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import save_poses
from keypointgan.inference.overlay import write_overlay
from keypointgan.inference.poses import Poses
from keypointgan.inference.sheets import draw_sheet
from keypointgan.report import FIGURES, write_report
from keypointgan.training.trainer import Outcome

TRAINING_CLIPS, TEST_CLIPS, CLIP_FRAMES = 160, 24, 40
PRIOR_POSES = 8000
SIZE = 64
STUDENT_SHARE = 0.25
"""Of the training's wall time: what the student needs to pass its teacher."""
_METHODS_OWN = ("training.steps=", "training.batch_size=")
_TRAINING_SEED, _TEST_SEED, _VIDEO_SEED = 0, 1, 2

Say = Callable[[str], None]


class _Steps:
    """Announces each step, and says how long it took."""

    def __init__(self, say: Say) -> None:
        self._say = say

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self._say(f"{title} ...")
        started = time.monotonic()
        yield
        self._say(f"{title}: {time.monotonic() - started:.1f} s")


def run_demo(
    output: Path,
    *,
    minutes: float,
    say: Say,
    clips: int = TRAINING_CLIPS,
    overrides: Sequence[str] = (),
) -> tuple[Path, Scored]:
    """Make everything in `output`; return the report's path and the student's scores on test clips.

    The method learns from the videos and the prior, then a student from what the method finds.
    What an earlier call has finished is kept, so that an interrupted demo goes on.

    Args:
        output: Folder of the demo.
        minutes: Wall time of the training: regressor, method and student.
        say: Called with a line for each step.
        clips: Training clips to make.
        overrides: Settings that differ from the recipe's, such as `training.steps=900`.

    Raises:
        KeypointGANError: The disk is full, or the folder holds something else.
        KeyboardInterrupt: Ctrl-C; everything made until then is kept.
    """
    started = time.monotonic()
    steps = _Steps(say)
    run, student = output / "run", output / "student"
    with steps.step(f"1/7 synthetic videos ({clips} clips of {CLIP_FRAMES} frames to train on)"):
        test = _make_videos(output, clips=clips)
    with steps.step(f"2/7 prior ({PRIOR_POSES} poses of other figures)"):
        if not _prior(output).exists():
            write_synthetic_prior(_prior(output), num_poses=PRIOR_POSES, seed=_TRAINING_SEED)
    method = _settings(output, run, (1 - STUDENT_SHARE) * minutes, overrides)
    own = _settings(output, student, STUDENT_SHARE * minutes, overrides, student=True)
    with steps.step(f"3/7 regressor, then the method ({method.training.minutes:.3g} minutes)"):
        _learn(say, lambda view: train(run, method, listener=view))
    with steps.step(f"4/7 a student of it ({own.training.minutes:.3g} minutes)"):
        _learn(say, lambda view: distill(student, own, teacher=run, listener=view))
    with steps.step(f"5/7 scores on {TEST_CLIPS} other clips"):
        teachers = score(run, test)
        scored = score(student, test)
        write_text(default_output(run, test), teachers.to_json())
        write_text(default_output(student, test), scored.to_json())
        write_text(default_output(run, test).with_stem("test, student"), scored.to_json())
    say(f"error of the method {_error(teachers)}, of its student {_error(scored)}")
    with steps.step("6/7 keypoints and overlay of another video"):
        _predict(student, run, test, output)
    with steps.step("7/7 report"):
        report = write_report(run, run / "report.html")
    say(f"all steps: {time.monotonic() - started:.1f} s")
    return report, scored


def _settings(
    output: Path, run: Path, minutes: float, overrides: Sequence[str], *, student: bool = False
) -> Config:
    """The settings of the method or of its student, to which the method's loop means nothing."""
    values = {
        "data.store": output / "train",
        "data.validation_labels": output / "train" / LABEL_FILE,
        "prior.poses": _prior(output),
        "training.minutes": minutes,
    }
    given = [*(f"{key}={value}" for key, value in values.items()), *overrides]
    if student:
        given = [setting for setting in given if not setting.startswith(_METHODS_OWN)]
    return resolve(run, "demo", given, student=student)


def _learn(say: Say, work: Callable[[TrainingView], Outcome]) -> None:
    """Train with progress shown; Ctrl-C, after which the run is saved, ends the demo too."""
    with TrainingView() as view:
        outcome = work(view)
    if outcome.reason == "interrupted":
        say("interrupted; the same command goes on")
        raise KeyboardInterrupt


def _make_videos(output: Path, *, clips: int) -> Path:
    """Write the stores to train and to test on, and a video; return the folder of the tests."""
    for name, count, seed in (
        ("train", clips, _TRAINING_SEED),
        ("test", TEST_CLIPS, _TEST_SEED),
    ):
        folder = output / name
        if not (folder / LABEL_FILE).exists():
            write_synthetic(folder, clips=count, frames_per_clip=CLIP_FRAMES, size=SIZE, seed=seed)
    video = _video(output)
    if not video.exists():
        clip = next(synthetic_clips(1, 90, size=256, seed=_VIDEO_SEED))
        write_video(video, iter(clip.frames), FRAMES_PER_SECOND)
    return folder


def _predict(student: Path, run: Path, test: Path, output: Path) -> None:
    """Write keypoints and overlay of the video, and sheets of frames for the method's report."""
    detector = Detector.load(student)
    poses = detector.predict(_video(output))
    save_poses(poses, output / "video.csv")
    write_overlay(_opaque(poses), _video(output), output / "overlay.mp4")
    store = Store.open(test)
    frames = store.frames([clip.start + clip.frames // 2 for clip in store.clips[:12]])
    _write_sheet(
        run / FIGURES / "test frames, student.png", frames, detector.predict(frames), scale=3
    )
    shown = np.stack(list(read_frames(_video(output)))[::8])
    _write_sheet(
        run / FIGURES / "another video, student.png", shown, detector.predict(shown), scale=1
    )


def _write_sheet(path: Path, frames: np.ndarray, poses: Poses, *, scale: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_sheet(list(frames), _opaque(poses), columns=6, scale=scale)).save(path)


def _opaque(poses: Poses) -> Poses:
    """The poses to be drawn in full colour: after minutes of training, confidence is still low."""
    return replace(poses, confidence=np.ones_like(poses.confidence))


def _error(scored: Scored) -> str:
    error = scored.evaluation.raw
    return f"{error.mean:.2f} {error.unit}"


def _prior(output: Path) -> Path:
    return output / "prior.npz"


def _video(output: Path) -> Path:
    return output / "video.mp4"
