"""How wrong a detector is on pictures unlike those of the collection that it learnt from.

python benchmarks/robustness/run.py MODEL STORE --labels LABELS.npz --out OUT.json

Labelled frames of a store are changed one way after the other (`changes.py`), and each is read as a
picture of its own, as `keypointgan predict` does: what it shows is looked for first, unless with
`--no-reframe`. Errors are in % of the side, those of faces in %
of the outer-eye distance; points that a change takes out of the picture do not count, nor do
frames without any other. Labels only measure.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from changes import CHANGES
from numpy import ndarray

from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.store import Store
from keypointgan.inference.detector import Detector
from keypointgan.inference.poses import Poses

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "speed"))
from measure import machine  # of the other benchmark

FACE = 68  # landmarks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a run, a checkpoint or a name")
    parser.add_argument("store", type=Path, help="of square frames")
    parser.add_argument("--labels", type=Path, help="default: those in the store")
    parser.add_argument("--frames", type=int, default=200, help="at most, evenly chosen")
    parser.add_argument("--only", nargs="*", choices=CHANGES, help="default: all changes")
    parser.add_argument("--no-reframe", action="store_true", help="read them as they come")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    detector = Detector.load(arguments.model, device=arguments.device)
    store = Store.open(arguments.store)
    frames, points, joints = labelled(
        store, arguments.labels or arguments.store / LABEL_FILE, detector, count=arguments.frames
    )
    rows = {}
    for name in arguments.only or CHANGES:
        change = CHANGES[name]
        pictures = np.stack([change.picture(frame) for frame in frames])
        reframe = False if arguments.no_reframe else None
        parts = detector.predict_batches(pictures, reframe=reframe)
        found = Poses.concatenate([part for (part,) in parts])
        expected = change.points(points, store.size)
        rows[name] = figures(found.xy, expected, joints, detector.skeleton.mirror, store.size)
        rows[name] |= confidences(found.confidence[:, joints], expected, store.size)
        print(name, {key: round(value, 2) for key, value in rows[name].items()}, flush=True)
    results = {
        "machine": machine(detector.device),
        "model": str(arguments.model),
        "store": arguments.store.name,
        "frames": len(frames),
        "looked_for": detector.margin is not None and not arguments.no_reframe,
        "unit": "% of the outer-eye distance" if len(joints) == FACE else "% of the side",
        "changes": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(arguments.out)


def labelled(
    store: Store, file: Path, detector: Detector, *, count: int
) -> tuple[ndarray, ndarray, list[int]]:
    """Frames, their points in pixels, and which of the detector's joints these are."""
    labels = Labels.load(file)
    own = detector.skeleton.joints
    labels = labels.for_joints([name for name in own if not labels.joints or name in labels.joints])
    chosen = np.linspace(0, len(labels.clip) - 1, min(count, len(labels.clip))).astype(int)
    starts = {clip.name: clip.start for clip in store.clips}
    rows = np.array([starts[labels.clip[row]] + labels.frame[row] for row in chosen])
    points = (labels.xy[chosen].astype(np.float64) + 1) / 2 * store.size
    return store.frames(rows), points, [own.index(name) for name in labels.joints]


def confidences(confidence: ndarray, expected: ndarray, side: int) -> dict[str, float]:
    """The mean of all, and of the points that a change takes out of the picture, if any."""
    inside = ((expected >= 0) & (expected < side)).all(axis=-1)
    rows = {"confidence": float(confidence.mean())}
    known = np.isfinite(expected).all(axis=-1)
    if (known & ~inside).any():
        rows["confidence_outside"] = float(confidence[known & ~inside].mean())
    return rows


def figures(
    xy: ndarray, expected: ndarray, joints: list[int], mirror: tuple[int, ...], side: int
) -> dict[str, float]:
    inside = ((expected >= 0) & (expected < side)).all(axis=-1)
    some = inside.any(axis=-1)
    xy, expected, inside = xy[some], expected[some], inside[some]
    unit = np.full(len(xy), float(side))
    if len(joints) == FACE:
        unit = np.linalg.norm(expected[:, 36] - expected[:, 45], axis=-1)

    def errors(read: ndarray) -> ndarray:
        away = np.where(inside, np.linalg.norm(read[:, joints] - expected, axis=-1), np.nan)
        return 100 * np.nanmean(away, axis=1) / unit

    straight, exchanged = errors(xy), errors(xy[:, list(mirror)])
    return {
        "error": float(straight.mean()),
        "median": float(np.median(straight)),
        "worst_tenth": float(np.quantile(straight, 0.9)),
        "flip_min": float(np.minimum(straight, exchanged).mean()),
    }


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
