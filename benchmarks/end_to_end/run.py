"""Seconds and memory of ingest and predict, from a video file to a store and to a csv.

python benchmarks/end_to_end/run.py --out benchmarks/results/end_to_end.json

Each command runs as people run it, in a process of its own, on a short and on a long video of each
size. What 1,000 frames cost is the difference between the two, so that starting Python and loading
the model do not count; they are `start_seconds`. The memory of both is shown: it should not differ.
Then several videos as long as the long one are ingested, one at a time and two at once.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from processes import Cost, measure
from videos import write_boxes, write_copies, write_film, write_model

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "speed"))
from measure import machine  # of the other benchmark

SIZES = {"640×480": (480, 640), "1920×1080": (1080, 1920)}
ANIMALS = 2
JOBS = (1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the JSON goes")
    parser.add_argument("--frames", type=int, nargs=2, default=(250, 1250), help="short, long")
    parser.add_argument("--repeats", type=int, default=3, help="the median counts")
    parser.add_argument("--videos", type=int, default=4, help="how many are ingested at once")
    parser.add_argument(
        "--preset", default="student", help="networks of predict: student, compact or release"
    )
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    results: dict[str, object] = {
        "machine": machine(torch.device(arguments.device)),
        "frames": list(arguments.frames),
        "repeats": arguments.repeats,
        "networks": "the student 'humans', 128 px"
        if arguments.preset == "student"
        else f"{arguments.preset}, 128 px, random weights",
        "unit": "of 1,000 frames: seconds (wall), cpu_seconds; peak MiB of the process; of several "
        "videos: seconds (wall), cpu_seconds of all",
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = (
            Path("humans")  # a name, which the command line knows
            if arguments.preset == "student"
            else write_model(folder / "model", preset=arguments.preset)
        )
        for name, (height, width) in SIZES.items():
            films = [
                write_film(folder / f"{height}_{count}.mp4", count, height=height, width=width)
                for count in arguments.frames
            ]
            for film, count in zip(films, arguments.frames, strict=True):
                write_boxes(film, count, animals=ANIMALS, height=height, width=width)
            commands = _commands(model, folder, device=arguments.device)
            results[name] = rows = {}
            for what, command in commands.items():
                rows[what] = _compare(
                    [
                        measure(command(film), clean=folder / "made", repeats=arguments.repeats)
                        for film in films
                    ],
                    arguments.frames,
                )
                _show(name, what, rows[what])
                _write(arguments.out, results)
            several = write_copies(films[-1], arguments.videos)
            for jobs in JOBS:
                what = f"ingest {arguments.videos} videos, --jobs {jobs}"
                cost = measure(
                    [*_ingest(folder, jobs=jobs), *map(str, several)],
                    clean=folder / "made",
                    repeats=arguments.repeats,
                )
                rows[what] = {
                    "videos": arguments.videos,
                    "frames": arguments.videos * arguments.frames[-1],
                    "seconds": round(cost.seconds, 3),
                    "cpu_seconds": round(cost.cpu_seconds, 3),
                    "peak_mib": round(cost.peak_bytes / 2**20, 1),
                }
                print(
                    f"{name:10} {what:24} {cost.seconds:8.2f} s  {cost.cpu_seconds:8.2f} s of CPU  "
                    f"{cost.peak_bytes / 2**20:15.0f} MiB"
                )
                _write(arguments.out, results)
    print(arguments.out)


def _write(path: Path, results: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _ingest(folder: Path, *, jobs: int) -> list[str]:
    store = str(folder / "made" / "store")
    return [sys.executable, "-m", "keypointgan.cli", "ingest", "--jobs", str(jobs), "-o", store]


def _commands(model: Path, folder: Path, *, device: str) -> dict:
    made = folder / "made"
    ours = [sys.executable, "-m", "keypointgan.cli"]
    decode = [sys.executable, str(Path(__file__).with_name("decode.py"))]
    ingest = _ingest(folder, jobs=1)
    predict = [*ours, "predict", "--device", device, "-o", str(made / "{name}.csv"), str(model)]
    return {
        "decode only": lambda film: [*decode, str(film)],
        "decode to RGB": lambda film: [*decode, str(film), "--rgb"],
        "ingest": lambda film: [*ingest, str(film)],
        f"ingest, {ANIMALS} animals": lambda film: [*ingest, str(film), "--boxes", "{name}.csv"],
        "ingest, masks by plate": lambda film: [*ingest, str(film), "--masks", "plate"],
        "predict": lambda film: [*predict, str(film)],
        "predict --bfloat16": lambda film: [*predict, str(film), "--bfloat16"],
        f"predict, {ANIMALS} animals": lambda film: [*predict, str(film), "--boxes", "{name}.csv"],
    }


def _compare(costs: list[Cost], frames: tuple[int, int]) -> dict[str, float]:
    short, long = costs
    share = 1000 / (frames[1] - frames[0])
    slope = (long.seconds - short.seconds) * share
    return {
        "seconds": round(slope, 3),
        "cpu_seconds": round((long.cpu_seconds - short.cpu_seconds) * share, 3),
        "start_seconds": round(short.seconds - slope * frames[0] / 1000, 3),
        "peak_mib_short": round(short.peak_bytes / 2**20, 1),
        "peak_mib_long": round(long.peak_bytes / 2**20, 1),
    }


def _show(size: str, what: str, row: dict[str, float]) -> None:
    print(
        f"{size:10} {what:24} {row['seconds']:8.2f} s  {row['cpu_seconds']:8.2f} s of CPU  "
        f"{row['peak_mib_short']:6.0f} → {row['peak_mib_long']:6.0f} MiB"
    )


if __name__ == "__main__":
    main()
