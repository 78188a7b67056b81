"""Whatever users point at, as a list of videos: files, folders, patterns.

A source is a video, a folder of images, or a pattern of images such as `frames/*.png`, which is one
clip. A folder stands for the videos in it (or, where it has none, for its images) and for
everything in its folders; a pattern may also match videos and folders.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keypointgan.data.images import is_image, is_pattern, matches, natural_order
from keypointgan.data.video import is_video

NAME = "{name}"
"""Stands for the name of a source, without suffix, in the names of files that belong to it."""
_COMPANIONS = frozenset(
    {"", ".csv", ".h5", ".json", ".npz", ".nwb", ".slp", ".pkl", ".pickle", ".md", ".yaml", ".yml"}
)
"""Files beside videos that are about them, and those without a suffix, such as LICENSE."""
_COMPARED = 1 << 20  # bytes at both ends of a file that tell copies apart from others


@dataclass
class FoundSources:
    """What users mean.

    Attributes:
        sources: Videos, folders of images and patterns of images, each once.
        skipped: What cannot be one, and why.
        others: Files in folders that are called like neither videos nor what belongs to them.
    """

    sources: list[Path] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def find_sources(given: str | Path | Sequence[str | Path], *, copies: bool = False) -> FoundSources:
    """Return the sources that paths and patterns stand for.

    A file that is given twice counts once.

    Args:
        given: Videos, folders and patterns.
        copies: Take several files with the same content; otherwise all but the first are skipped:
            they would be counted twice, and end up on both sides of a split.
    """
    found = FoundSources()
    seen: set[Path] = set()
    for each in [given] if isinstance(given, str | Path) else given:
        inside, reason = _expand(Path(each), found)
        if not inside and reason:
            found.skipped.append((str(each), reason))
        for source in inside:
            if source.resolve() not in seen:
                seen.add(source.resolve())
                found.sources.append(source)
    if not copies:
        _leave_out_copies(found)
    return found


def name_clips(sources: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each source, with as many of its folders as no other source shares."""
    parts = {source: (*source.resolve().parent.parts, stem(source)) for source in sources}
    names: dict[Path, str] = {}
    for depth in range(1, max(map(len, parts.values()), default=0) + 1):
        tails = {source: parts[source][-depth:] for source in sources if source not in names}
        shared = Counter(tails.values())
        names |= {source: "/".join(tail) for source, tail in tails.items() if shared[tail] == 1}
    return {source: names.get(source, source.name) for source in sources}  # a.avi beside a.mp4


def stem(source: Path) -> str:
    """Return the name of a source without its suffix; of a pattern, that of its folder."""
    if is_pattern(source):
        fixed = source.parent
        while is_pattern(fixed):
            fixed = fixed.parent
        return fixed.resolve().name
    return source.resolve().name if source.is_dir() else source.stem


def beside(source: Path, pattern: str) -> Path:
    """Return the file that belongs to a source: `{name}` in `pattern` is the source's name.

    A pattern with `{name}` is relative to the source's folder; without, it is a path as it stands.
    """
    if NAME not in pattern:
        return Path(pattern)
    return source.parent / pattern.replace(NAME, stem(source))


def say_others(others: Sequence[Path]) -> str:
    """Return what to do about files of unknown kind; nothing if there are none."""
    if not others:
        return ""
    if len(others) == 1:
        return f"a file that is not called like a video, {others[0]}: name it to read it anyway"
    return (
        f"{len(others)} files that are not called like videos, such as {others[0]}: name them to "
        "read them anyway"
    )


def is_mask(path: Path) -> bool:
    """Whether the name is that of a mask video, NAME.mask.mp4."""
    return path.stem.endswith(".mask")


def _expand(path: Path, found: FoundSources) -> tuple[list[Path], str]:
    """The sources that a path stands for, and why, if there are none."""
    if path.is_dir():
        before = len(found.others)
        inside = list(_sources_in(path, found))
        hint = say_others(found.others[before:])
        return inside, "a folder without videos or images" + (f" ({hint})" if hint else "")
    if not is_pattern(path):
        return [path], ""
    inside = [entry for entry in matches(path) if not is_mask(entry)]
    images = [entry for entry in inside if is_image(entry)]
    sources = [path] if images else []
    for entry in inside:
        if entry.is_dir():
            sources += _sources_in(entry, found)
        elif not is_image(entry):
            sources.append(entry)
    return sources, "a pattern that no file matches"


def _sources_in(folder: Path, found: FoundSources) -> Iterator[Path]:
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        found.skipped.append((str(folder), f"cannot be listed ({error.strerror or error})"))
        return
    entries.sort(key=natural_order)
    files = [entry for entry in entries if not entry.is_dir()]
    videos = [file for file in files if is_video(file) and not is_mask(file)]
    known = (is_video, is_image, lambda file: file.suffix.lower() in _COMPANIONS)
    found.others += [file for file in files if not any(is_known(file) for is_known in known)]
    yield from videos
    if not videos and any(is_image(file) for file in files):
        yield folder
    for entry in entries:
        if entry.is_dir():
            yield from _sources_in(entry, found)


def _leave_out_copies(found: FoundSources) -> None:
    sizes = Counter(size for size in map(_size, found.sources) if size)
    first: dict[tuple[int, bytes], Path] = {}
    kept = []
    for source in found.sources:
        size = _size(source)
        if size and sizes[size] > 1:
            same = first.setdefault((size, _digest(source, size)), source)
            if same != source:
                found.skipped.append((str(source), f"a copy of {same}"))
                continue
        kept.append(source)
    found.sources = kept


def _size(source: Path) -> int:
    try:
        return source.stat().st_size if source.is_file() else 0
    except OSError:
        return 0


def _digest(source: Path, size: int) -> bytes:
    try:
        with source.open("rb") as file:
            start = file.read(_COMPARED)
            file.seek(max(0, size - _COMPARED))
            return hashlib.sha256(start + file.read(_COMPARED)).digest()
    except OSError:
        return str(source).encode(errors="surrogateescape")
