"""How wrong a detector is where the object is small, at one side or too near, read once or twice.

python benchmarks/framing/run.py MODEL STORE --backgrounds STORE --out OUT.json

Labelled clips of a store are shown as they are, with the object smaller or larger, and inside wide
pictures in which they stand at a place or cross them; each is read as it comes (the middle of the
frame) and looked at first (`predict --reframe`). Clips are videos, photographs pictures. Errors are
in % of the side of what was put in, so that they compare; faces' in % of the outer-eye distance.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scenes import Scene, backgrounds_of, labelled_clips, scaled_scene, wide_scene, write_scene

from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.store import Store
from keypointgan.inference.detector import Detector

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "speed"))
from measure import machine  # of the other benchmark

FACTORS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4)
BAD = 10.0  # mean error of a frame from which its object was not found
FACE = 68  # landmarks
_BACKGROUNDS = 24


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a run, a checkpoint or a name")
    parser.add_argument("store", type=Path, help="of square frames")
    parser.add_argument("--labels", type=Path, help="default: those in the store")
    parser.add_argument("--backgrounds", type=Path, required=True, help="a store of still cameras")
    parser.add_argument("--clips", type=int, default=40, help="at most, evenly chosen")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    detector = Detector.load(arguments.model, device=arguments.device)
    store = Store.open(arguments.store)
    labels = Labels.load(arguments.labels or arguments.store / LABEL_FILE)
    joints = _joints_of(labels, detector)
    finder = Detector.load("humans", device=arguments.device)
    backgrounds = backgrounds_of(Store.open(arguments.backgrounds), finder, count=_BACKGROUNDS)
    clips = list(labelled_clips(store, labels))
    chosen = np.linspace(0, len(clips) - 1, min(arguments.clips, len(clips))).astype(int)
    errors: dict[str, dict[str, list[np.ndarray]]] = {}
    generator = np.random.default_rng(0)
    for number, index in enumerate(chosen, 1):
        clip, labelled, points = clips[index]
        frames = store.frames(np.arange(clip.start, clip.start + clip.frames))
        background = backgrounds[generator.integers(len(backgrounds))]
        for name, scene in _scenes(frames, labelled, points, background, generator):
            for way, reframe in (("as it comes", False), ("looked at first", True)):
                found = _read(detector, scene, fps=clip.fps, reframe=reframe)[:, joints]
                each = errors.setdefault(name, {}).setdefault(way, [])
                each.append(_errors(found, scene, faces=len(joints) == FACE))
        print(f"{number} of {len(chosen)}: {clip.name}", flush=True)
    rows = {
        name: {way: _figures(parts) for way, parts in ways.items()} for name, ways in errors.items()
    }
    results = {
        "machine": machine(detector.device),
        "model": str(arguments.model),
        "store": arguments.store.name,
        "clips": len(chosen),
        "unit": "% of the outer-eye distance" if len(joints) == FACE else "% of the side put in",
        "bad_from": BAD,
        "scenes": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, ways in rows.items():
        print(name, {way: (round(f["error"], 2), round(f["bad"], 3)) for way, f in ways.items()})
    print(arguments.out)


def _scenes(
    frames: np.ndarray,
    labelled: np.ndarray,
    points: np.ndarray,
    background: np.ndarray,
    generator: np.random.Generator,
) -> Iterator[tuple[str, Scene]]:
    for factor in FACTORS:
        name = f"{factor:g} times as large"
        yield name, scaled_scene(frames, labelled, points, factor=factor)
    name = "anywhere in a wide picture"
    yield name, wide_scene(frames, labelled, points, background, generator)


def _joints_of(labels: Labels, detector: Detector) -> list[int]:
    """The detector's joints in the order of the labels'."""
    own = list(detector.skeleton.joints)
    names = labels.joints or detector.skeleton.joints
    unknown = [name for name in names if name not in own]
    if unknown:
        raise SystemExit(f"Expected labels of the detector's joints, got '{unknown[0]}'.")
    return [own.index(name) for name in names]


def _read(detector: Detector, scene: Scene, *, fps: float, reframe: bool) -> np.ndarray:
    if not fps:
        return detector.predict(scene.frames, reframe=reframe).xy[scene.rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.mp4"
        write_scene(scene, path, fps=fps)
        return detector.predict(path, reframe=reframe).xy[scene.rows]


def _errors(found: np.ndarray, scene: Scene, *, faces: bool) -> np.ndarray:
    """The mean error of each labelled frame."""
    away = np.linalg.norm(found - scene.points, axis=-1)
    if faces:
        eyes = np.linalg.norm(scene.points[:, 36] - scene.points[:, 45], axis=-1)
        return 100 * np.nanmean(away, axis=1) / eyes
    return 100 * np.nanmean(away, axis=1) / scene.side


def _figures(parts: list[np.ndarray]) -> dict[str, float]:
    errors = np.concatenate(parts)
    return {
        "error": float(errors.mean()),
        "median": float(np.median(errors)),
        "bad": float((errors > BAD).mean()),
        "frames": len(errors),
    }


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
