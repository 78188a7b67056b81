"""The public data sets by name."""

from pathlib import Path

from keypointgan.data.benchmarks.clips import Split
from keypointgan.data.benchmarks.faces_youtube import ingest_faces_youtube
from keypointgan.data.benchmarks.flies import ingest_flies
from keypointgan.data.benchmarks.humans_jhmdb import ingest_humans_jhmdb
from keypointgan.data.benchmarks.humans_rendered import ingest_humans_rendered
from keypointgan.data.benchmarks.simplified_human36m import ingest_simplified_human36m
from keypointgan.data.ingest import IngestSummary
from keypointgan.data.store import Encoding, Progress
from keypointgan.errors import DataError

_READERS = {
    "faces_youtube": ingest_faces_youtube,
    "flies": ingest_flies,
    "humans_jhmdb": ingest_humans_jhmdb,
    "humans_rendered": ingest_humans_rendered,
    "simplified_human36m": ingest_simplified_human36m,
}


def benchmark_names() -> list[str]:
    """Return the names of the public data sets that can be ingested."""
    return sorted(_READERS)


def ingest_benchmark(
    name: str,
    root: Path,
    output: Path,
    *,
    split: Split,
    size: int = 128,
    encoding: Encoding = "jpeg",
    quality: int = 90,
    progress: Progress | None = None,
) -> IngestSummary:
    """Write the store of a split of a public data set, labels inside, and return what it holds.

    Args:
        name: One of `benchmark_names()`.
        root: Folder of the data set; its reader's documentation shows the layout.
        output: Folder of the store.
        split: `train` or `test`.
        size: Side of the frames in pixels.
        encoding: How frames are kept, see `StoreWriter`.
        quality: Of the encoder, 1 to 100.
        progress: Called with the frames that are done, and all.

    Raises:
        DataError: No such data set, or its files are incomplete.
    """
    if name not in _READERS:
        raise DataError(
            f"Expected a data set of {', '.join(benchmark_names())}, got '{name}'. Videos of your "
            "own need no reader: 'keypointgan ingest'."
        )
    return _READERS[name](
        root,
        output,
        split=split,
        size=size,
        encoding=encoding,
        quality=quality,
        progress=progress,
    )
