"""The public data sets by name, and where they lie."""

import os
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.cats import CATS
from keypointgan.data.benchmarks.clips import write_benchmark
from keypointgan.data.benchmarks.face_videos import FACES_300VW, FACES_VOXCELEB2
from keypointgan.data.benchmarks.faces_300w import FACES_300W
from keypointgan.data.benchmarks.faces_celeba import FACES_CELEBA
from keypointgan.data.benchmarks.faces_youtube import FACES_YOUTUBE
from keypointgan.data.benchmarks.flies import FLIES
from keypointgan.data.benchmarks.human36m import HUMAN36M
from keypointgan.data.benchmarks.humans_jhmdb import HUMANS_JHMDB
from keypointgan.data.benchmarks.humans_rendered import HUMANS_RENDERED
from keypointgan.data.benchmarks.mpi_inf_3dhp import MPI_INF_3DHP
from keypointgan.data.benchmarks.penn_action import PENN_ACTION
from keypointgan.data.benchmarks.simplified_human36m import SIMPLIFIED_HUMAN36M
from keypointgan.data.ingest import IngestSummary
from keypointgan.data.labels import DEFAULT_SIZE
from keypointgan.data.store import Encoding, Progress
from keypointgan.data.whole_files import whole_file
from keypointgan.errors import DataError

BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        SIMPLIFIED_HUMAN36M,
        HUMAN36M,
        MPI_INF_3DHP,
        PENN_ACTION,
        FACES_300W,
        FACES_300VW,
        FACES_VOXCELEB2,
        FACES_CELEBA,
        CATS,
        FACES_YOUTUBE,
        HUMANS_RENDERED,
        HUMANS_JHMDB,
        FLIES,
    )
}

DATA_VARIABLE = "KEYPOINTGAN_DATA"
"""The environment variable with the folder that holds a folder for each data set."""

_INTRODUCTION = """# Benchmarks

Nothing of these data sets is distributed with `keypointgan`: get them from their makers and accept
their terms. Each is looked for in `KEYPOINTGAN_DATA/NAME`, or where `--root` says; a file that is
missing is named by its path.

```bash
export KEYPOINTGAN_DATA=/data
keypointgan benchmarks                        # what there is
keypointgan benchmarks penn_action            # what follows here, of one of them
keypointgan ingest --benchmark penn_action --split train -o stores/penn_train
keypointgan ingest --benchmark penn_action --split test -o stores/penn_test
keypointgan benchmarks penn_action --prior stores/penn_prior.npz
keypointgan evaluate runs/penn stores/penn_test
```

`evaluate` takes the protocol that the labels were made for (`--protocol` for another) and always
prints the error as it is, the better of both left/right labellings, the share of frames whose sides
are right, and the error after a linear regression to the labels: cross-validated over clips or
persons, or fitted on another store with `--fit-on`. Published numbers mix these columns.

A text says what of it is *verified* on published code or files, what is *recalled*, and which
reading we take where papers leave it open. The readers are tested on small generated copies of
these layouts, not on the data themselves, except for the last four.
"""


def find_benchmark(name: str) -> Benchmark:
    """Return the data set of that name.

    Raises:
        DataError: There is none.
    """
    if name not in BENCHMARKS:
        near = get_close_matches(name, BENCHMARKS, n=1, cutoff=0.4)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise DataError(
            f"Expected a data set of {', '.join(BENCHMARKS)}, got '{name}'. {hint}"
            "Videos of your own need no reader: 'keypointgan ingest'."
        )
    return BENCHMARKS[name]


def locate(benchmark: Benchmark, root: Path | None) -> Path:
    """Return the folder of a data set: `root`, else that of its name in KEYPOINTGAN_DATA.

    Raises:
        DataError: Neither is there.
    """
    if root is None:
        where = os.environ.get(DATA_VARIABLE)
        if not where:
            raise DataError(
                f"{benchmark.name}: expected its folder (--root FOLDER), or {DATA_VARIABLE} to be "
                f"set to the folder that holds '{benchmark.name}', got neither. "
                f"'keypointgan benchmarks {benchmark.name}' says where to get the data."
            )
        root = Path(where) / benchmark.name
    if not root.is_dir():
        raise DataError(
            f"{root}: expected the folder of {benchmark.name}, found none. 'keypointgan "
            f"benchmarks {benchmark.name}' shows the layout and where to get the data."
        )
    return root


def ingest_benchmark(
    name: str,
    root: Path | None,
    output: Path,
    *,
    split: str,
    size: int = 128,
    encoding: Encoding = "jpeg",
    quality: int = 90,
    progress: Progress | None = None,
) -> IngestSummary:
    """Write the store of a split of a public data set, labels inside, and return what it holds.

    Args:
        name: One of `BENCHMARKS`.
        root: Folder of the data set; by default that of its name in KEYPOINTGAN_DATA.
        output: Folder of the store.
        split: One of the data set's splits.
        size: Side of the frames in pixels.
        encoding: How frames are kept, see `StoreWriter`.
        quality: Of the encoder, 1 to 100.
        progress: Called with the frames that are done, and all.

    Raises:
        DataError: No such data set or split, or its files are incomplete.
        MissingExtraError: A package that reads its files is not installed.
    """
    benchmark = find_benchmark(name)
    if split not in benchmark.splits:
        raise DataError(
            f"{name}: expected a split of {', '.join(benchmark.splits)}, got '{split}'."
        )
    part = benchmark.read(locate(benchmark, root), split)
    return write_benchmark(
        output, part, size=size, encoding=encoding, quality=quality, progress=progress
    )


def write_benchmark_prior(name: str, root: Path | None, output: Path) -> int:
    """Write the unpaired poses of a data set, to be placed `as_is`; return how many.

    Poses with a missing point are left out.

    Raises:
        DataError: No such data set, it has no poses for a prior, or its files are incomplete.
        MissingExtraError: A package that reads its files is not installed.
    """
    benchmark = find_benchmark(name)
    if not benchmark.prior_split:
        raise DataError(
            f"{name}: expected a data set with unpaired poses ("
            f"{', '.join(other.name for other in BENCHMARKS.values() if other.prior_split)}), and "
            "this one has none. Take those of another."
        )
    labels = benchmark.read(locate(benchmark, root), benchmark.prior_split).labels
    assert labels is not None  # a prior split is one with labels
    poses = labels.xy[np.isfinite(labels.xy).all(axis=(1, 2))]
    if not len(poses):
        raise DataError(f"{name}: expected poses with every point known, got none.")
    with whole_file(output) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file,
            xy=(poses + 1) / 2 * np.float32(DEFAULT_SIZE),
            joints=np.array(labels.joints),
            size=np.array(DEFAULT_SIZE),
        )
    return len(poses)


def reference_page() -> str:
    """Return `docs/reference/benchmarks.md`: everything about every data set."""
    parts = "\n\n".join(
        f"## {benchmark.name}\n\n{benchmark.describe()}" for benchmark in BENCHMARKS.values()
    )
    return f"{_INTRODUCTION}\n{parts}\n"
