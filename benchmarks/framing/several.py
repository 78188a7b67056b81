"""How well several animals are found and followed without boxes (`predict --objects`).

python benchmarks/framing/several.py flies VIDEO.mp4 --labels POSES.slp --out OUT.json

Every labelled animal is paired with one of those found in its frame, so that the sum of distances
is least. It counts as found if its points are less than a third of its length away on average. A
track that goes on with another animal than before has changed. Errors are in % of 1.3 times the
longer side of the box around the animal in that frame (those of `evaluate` are of a side that a
track keeps); beside are those of `predict --boxes` with squares around the labels. Labels only
measure.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from scipy.optimize import linear_sum_assignment

from keypointgan.data.boxes import read_boxes
from keypointgan.data.video import probe
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import load_poses
from keypointgan.inference.places import Places

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "speed"))
from measure import machine  # of the other benchmark

FOUND = 1 / 3
MARGIN = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a run, a checkpoint or a name")
    parser.add_argument("video", type=Path)
    parser.add_argument("--labels", type=Path, required=True, help="poses of each animal")
    parser.add_argument("--objects", type=int, help="default: as many as are labelled in one frame")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    detector = Detector.load(arguments.model, device="cpu")
    tracks = load_poses(arguments.labels, skeleton=detector.skeleton)
    count = probe(arguments.video).frames
    expected = np.full((len(tracks), count, *tracks[0].xy.shape[1:]), np.nan)
    for animal, track in enumerate(tracks):
        known = track.xy[:count]
        expected[animal, : len(known)] = known
    together = np.isfinite(expected).any(axis=(2, 3)).sum(axis=0).max()
    objects = arguments.objects or int(together)
    places = detector.look(arguments.video, objects=objects)
    rows = {}
    boxes = read_boxes(arguments.labels).of(arguments.video, alone=True)
    for name, where in (("looked for", places), ("in boxes", Places.of_tracks(boxes))):
        found = np.stack([p.xy for p in detector.predict_tracks(arguments.video, where)])
        rows[name] = compare(found, expected)
        print(name, {key: round(value, 2) for key, value in rows[name].items()}, flush=True)
    results = {
        "machine": machine(detector.device),
        "model": str(arguments.model),
        "video": arguments.video.name,
        "objects": objects,
        "unit": "% of the side of a square around the animal",
        "read": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(arguments.out)


def compare(found: ndarray, expected: ndarray) -> dict[str, float]:
    """Figures of what was found (track, frame, joint, 2) beside what there is."""
    labelled = seen = extra = changes = 0
    errors: list[float] = []
    owner: dict[int, int] = {}
    for frame in range(expected.shape[1]):
        there = np.flatnonzero(np.isfinite(expected[:, frame]).all(axis=-1).sum(axis=-1) >= 2)
        read = np.flatnonzero(np.isfinite(found[:, frame]).all(axis=(1, 2)))
        labelled += len(there)
        if not len(there):
            continue
        away = np.array(
            [[np.nanmean(_norm(found[r, frame] - expected[t, frame])) for r in read] for t in there]
        ).reshape(len(there), len(read))
        lengths = np.array([_length(expected[t, frame]) for t in there])
        for row, column in zip(*linear_sum_assignment(away), strict=True):
            if away[row, column] > FOUND * lengths[row]:
                continue
            seen += 1
            errors.append(100 * away[row, column] / (MARGIN * lengths[row]))
            track, animal = int(read[column]), int(there[row])
            changes += owner.get(animal, track) != track
            owner[animal] = track
        extra += len(read)
    return {
        "found": 100 * seen / labelled,
        "wrong": 100 * (extra - seen) / max(extra, 1),
        "changes": float(changes),
        "error": float(np.mean(errors)),
    }


def _norm(vectors: ndarray) -> ndarray:
    return np.linalg.norm(vectors, axis=-1)


def _length(points: ndarray) -> float:
    return float((np.nanmax(points, axis=0) - np.nanmin(points, axis=0)).max())


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
