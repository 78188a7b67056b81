"""The whole method on synthetic figures, from nothing to a report, within minutes on a CPU."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from keypointgan.commands.console import TrainingView
from keypointgan.commands.runs import train
from keypointgan.commands.scoring import Scored, default_output, score
from keypointgan.commands.settings import resolve
from keypointgan.data.labels import LABEL_FILE
from keypointgan.data.store import Store
from keypointgan.data.synthetic import synthetic_clips, write_synthetic, write_synthetic_prior
from keypointgan.data.synthetic_figure import FRAMES_PER_SECOND
from keypointgan.data.video import read_frames, write_video
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import save_poses
from keypointgan.inference.overlay import write_overlay
from keypointgan.inference.poses import Poses
from keypointgan.inference.sheets import draw_sheet
from keypointgan.report import FIGURES, write_report

TRAINING_CLIPS, TEST_CLIPS, CLIP_FRAMES = 160, 24, 40
PRIOR_POSES = 8000
SIZE = 64
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
    """Make everything in `output`; return the path of the report and the scores on test clips.

    What an earlier call has finished is kept, so that an interrupted demo goes on.

    Args:
        output: Folder of the demo.
        minutes: Wall time of the training, pre-training of the regressor included.
        say: Called with a line for each step.
        clips: Training clips to make.
        overrides: Settings that differ from the recipe's, such as `training.steps=900`.

    Raises:
        KeypointGANError: The disk is full, or the folder holds something else.
    """
    started = time.monotonic()
    steps = _Steps(say)
    run = output / "run"
    with steps.step(f"1/6 synthetic videos ({clips} clips of {CLIP_FRAMES} frames to train on)"):
        store, test = _make_videos(output, clips=clips)
    with steps.step(f"2/6 prior ({PRIOR_POSES} poses of other figures)"):
        prior = output / "prior.npz"
        if not prior.exists():
            write_synthetic_prior(prior, num_poses=PRIOR_POSES, seed=_TRAINING_SEED)
    config = resolve(
        run,
        "demo",
        [
            f"data.store={store}",
            f"data.validation_labels={store / LABEL_FILE}",
            f"prior.poses={prior}",
            f"training.minutes={minutes}",
            *overrides,
        ],
    )
    with steps.step(f"3/6 regressor, then training ({minutes:g} minutes)"), TrainingView() as view:
        train(run, config, listener=view)
    with steps.step(f"4/6 scores on {TEST_CLIPS} other clips"):
        scored = score(run, test)
        file = default_output(run, test)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(scored.to_json(), encoding="utf-8")
    with steps.step("5/6 keypoints and overlay of another video"):
        _predict(run, test, output)
    with steps.step("6/6 report"):
        report = write_report(run, run / "report.html")
    say(f"all steps: {time.monotonic() - started:.1f} s")
    return report, scored


def _make_videos(output: Path, *, clips: int) -> tuple[Path, Path]:
    """Write the stores to train and to test on, and a video; return the stores' folders."""
    folders = []
    for name, count, seed in (
        ("train", clips, _TRAINING_SEED),
        ("test", TEST_CLIPS, _TEST_SEED),
    ):
        folder = output / name
        if not (folder / LABEL_FILE).exists():
            write_synthetic(folder, clips=count, frames_per_clip=CLIP_FRAMES, size=SIZE, seed=seed)
        folders.append(folder)
    video = _video(output)
    if not video.exists():
        clip = next(synthetic_clips(1, 90, size=256, seed=_VIDEO_SEED))
        write_video(video, iter(clip.frames), FRAMES_PER_SECOND)
    return folders[0], folders[1]


def _predict(run: Path, test: Path, output: Path) -> None:
    """Write keypoints and overlay of the video, and a sheet of test frames for the report."""
    detector = Detector.load(run)
    poses = detector.predict(_video(output))
    save_poses(poses, output / "video.csv")
    write_overlay(_opaque(poses), _video(output), output / "overlay.mp4")
    store = Store.open(test)
    frames = store.frames([clip.start + clip.frames // 2 for clip in store.clips[:12]])
    _write_sheet(run / FIGURES / "test frames.png", frames, detector.predict(frames), scale=3)
    shown = np.stack(list(read_frames(_video(output)))[::8])
    _write_sheet(run / FIGURES / "another video.png", shown, detector.predict(shown), scale=1)


def _write_sheet(path: Path, frames: np.ndarray, poses: Poses, *, scale: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_sheet(list(frames), _opaque(poses), columns=6, scale=scale)).save(path)


def _opaque(poses: Poses) -> Poses:
    """The poses to be drawn in full colour: after minutes of training, confidence is still low."""
    return replace(poses, confidence=np.ones_like(poses.confidence))


def _video(output: Path) -> Path:
    return output / "video.mp4"
