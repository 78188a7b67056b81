"""How wrong a detector of people is where somebody else stands beside.

python benchmarks/robustness/company.py MODEL STORE --labels LABELS.npz \
    --films ../shared/data/humans_jhmdb/train --others FILM_LABELS.npz --out OUT.json

People are cut out of films by their masks, put beside those in the labelled frames of a store, and
each frame is read in the square that a tracker would give (--boxes): around the labelled points.
Training has nothing of it: it knows no masks, and the films must be kept apart. Labels and masks
only measure.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from PIL import Image
from run import figures, labelled

from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.store import Store
from keypointgan.data.video import read_frames
from keypointgan.inference.detector import Detector

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "speed"))
from measure import machine  # of the other benchmark

MARGIN = 1.3
"""Side of a square over the longer side of the box around the labelled points."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a run, a checkpoint or a name")
    parser.add_argument("store", type=Path, help="of square frames")
    parser.add_argument("--labels", type=Path, help="default: those in the store")
    parser.add_argument("--films", type=Path, required=True, help="folder of films and their masks")
    parser.add_argument("--others", type=Path, required=True, help="labels of films to cut out of")
    parser.add_argument("--frames", type=int, default=400, help="at most, evenly chosen")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--look", type=Path, help="a picture of some frames with what was read")
    arguments = parser.parse_args()
    detector = Detector.load(arguments.model, device="cpu")
    store = Store.open(arguments.store)
    frames, points, joints = labelled(
        store, arguments.labels or arguments.store / LABEL_FILE, detector, count=arguments.frames
    )
    people = cut_out(arguments.films, sorted(set(Labels.load(arguments.others).clip)))
    random = np.random.default_rng(0)
    with_others = np.stack(
        [
            beside(frame, known, people[random.integers(len(people))], random)
            for frame, known in zip(frames, points, strict=True)
        ]
    )
    boxes = np.stack([_box(known) for known in points])
    rows = {}
    for name, shown in (("alone", frames), ("somebody beside", with_others)):
        found = detector.predict(shown, boxes=boxes)
        rows[name] = figures(found.xy, points, joints, detector.skeleton.mirror, store.size)
        rows[name]["confidence"] = float(found.confidence.mean())
        print(name, {key: round(value, 2) for key, value in rows[name].items()}, flush=True)
    if arguments.look is not None:
        _sheet(shown, found.xy).save(arguments.look)
    results = {
        "machine": machine(detector.device),
        "model": str(arguments.model),
        "store": arguments.store.name,
        "frames": len(frames),
        "people": len(people),
        "unit": "% of the side",
        "read": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(arguments.out)


def cut_out(films: Path, names: list[str]) -> list[ndarray]:
    """People of films, five of each, as RGBA with nothing around them."""
    people = []
    for name in names:
        film = np.stack(list(read_frames(films / f"{name}.mp4")))
        mask = np.stack(list(read_frames(films / f"{name}.mask.mp4")))[..., 0] > 128
        for frame in np.linspace(0, len(film) - 1, 5).astype(int):
            rows, columns = (np.flatnonzero(mask[frame].any(axis=axis)) for axis in (1, 0))
            if not len(rows):
                continue
            whole = np.dstack([film[frame], np.where(mask[frame], 255, 0)]).astype(np.uint8)
            people.append(whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return people


def beside(
    frame: ndarray, points: ndarray, person: ndarray, random: np.random.Generator
) -> ndarray:
    """A frame with a person about as large left or right of the one whose points are known."""
    (left, top), (right, bottom) = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    height = 1.1 * max(bottom - top, right - left) * random.uniform(0.8, 1.1)
    factor = height / max(person.shape[:2])
    size = [max(1, round(factor * length)) for length in (person.shape[1], person.shape[0])]
    pasted = Image.fromarray(person).resize((size[0], size[1]), Image.Resampling.BILINEAR)
    gap = (right - left) * 0.1 + size[0] * random.uniform(-0.05, 0.25)
    x = right + gap if random.random() < 0.5 else left - gap - size[0]
    picture = Image.fromarray(frame)
    picture.paste(pasted, (round(x), round(bottom - size[1] + 0.05 * height)), pasted)
    return np.asarray(picture)


def _box(points: ndarray) -> ndarray:
    """The square around points, (x0, y0, x1, y1)."""
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    middle, half = (low + high) / 2, MARGIN * (high - low).max() / 2
    return np.concatenate([middle - half, middle + half])


def _sheet(frames: ndarray, xy: ndarray, *, columns: int = 8, rows: int = 4) -> Image.Image:
    chosen = np.linspace(0, len(frames) - 1, columns * rows).astype(int)
    side = frames.shape[1]
    sheet = Image.new("RGB", (columns * side, rows * side))
    for place, index in enumerate(chosen):
        shown = frames[index].copy()
        for x, y in np.nan_to_num(xy[index]).astype(int):
            shown[max(0, y - 1) : y + 1, max(0, x - 1) : x + 1] = (0, 255, 0)
        sheet.paste(Image.fromarray(shown), (place % columns * side, place // columns * side))
    return sheet


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
