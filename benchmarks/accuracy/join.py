"""Several stores as one, without masks, to learn from all their frames together.

python benchmarks/accuracy/join.py stores/humans_rendered_train stores/humans_jhmdb_train \
    -o stores/people_train

Names of clips must differ. Clips stay in the groups of their stores. The labels beside are those
of the first store: validation clips of the others are kept apart, but not scored. Frames are
encoded anew; a clip that is there already, as after Ctrl-C, is left.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np

from keypointgan.data.labels import LABEL_FILE
from keypointgan.data.store import Store
from keypointgan.data.store_writer import StoreWriter


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stores", nargs="+", type=Path, help="of frames of one size")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the new store")
    arguments = parser.parse_args()
    join(arguments.stores, arguments.output)
    print(arguments.output)


def join(stores: list[Path], output: Path) -> None:
    """Write the clips of all stores into one, and the labels of the first beside them."""
    opened = [Store.open(path) for path in stores]
    names = [clip.name for store in opened for clip in store.clips]
    if len(set(names)) < len(names):
        raise SystemExit("Expected clips of other names in each store, got some twice.")
    with StoreWriter(output, size=opened[0].size, quality=95) as writer:
        for path, store in zip(stores, opened, strict=True):
            for clip in store.clips:
                rows = np.arange(clip.start, clip.start + clip.frames)
                writer.add_clip(
                    clip.name,
                    iter(store.frames(rows)),
                    source=clip.source,
                    fps=clip.fps,
                    crop=clip.crop,
                    group=f"{path.name}/{clip.group}",
                )
    if (stores[0] / LABEL_FILE).is_file():
        shutil.copy(stores[0] / LABEL_FILE, output / LABEL_FILE)


if __name__ == "__main__":
    main()
