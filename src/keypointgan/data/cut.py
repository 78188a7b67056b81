"""Cutting the clips of one source out of its frames, all of them in one pass."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from keypointgan.data.images import RGBFrame
from keypointgan.data.parts import Part
from keypointgan.data.plates import Plate
from keypointgan.data.resize import crop_and_resize, scale_box
from keypointgan.data.video import VideoInfo, read_frames
from keypointgan.data.windows import Window
from keypointgan.errors import StoreError, VideoError
from keypointgan.wording import counted

OVERSAMPLING = 1.5
"""Frames are shrunk while they are decoded, but a square keeps this many pixels for one of its
clip's, so that the last, better step decides how the clip looks."""


class Stopped(Exception):  # noqa: N818 - no error: others ended the work
    """Raised where work is given up because other work failed."""


@dataclass(frozen=True, eq=False)
class Cut:
    """What is to be cut out of a source.

    Attributes:
        source: The video, the folder or the pattern of images.
        info: What it says about itself.
        windows: The clips.
        mask: The mask video; None for none.
        plate: Whether masks are what differs from the plate.
    """

    source: Path
    info: VideoInfo
    windows: tuple[Window, ...]
    mask: Path | None = None
    plate: bool = False


def reduction(windows: Sequence[Window], *, size: int) -> int:
    """Return how many times frames can be shrunk before squares are cut out of them."""
    least = min(window.least_side for window in windows)
    return max(1, int(least / (OVERSAMPLING * size)))


def cut_clips(
    cut: Cut,
    *,
    size: int,
    new_part: Callable[[], Part],
    tick: Callable[[], None],
    threads: int = 0,
) -> list[tuple[Window, Part]]:
    """Return the clips of a source, encoded; the source is read once, a frame at a time.

    Args:
        cut: What to cut.
        size: Side of the clips in pixels.
        new_part: Makes the files of a clip.
        tick: Called after each frame; may raise `Stopped`.
        threads: As in `read_video`.

    Raises:
        VideoError: The source or its mask cannot be read, or is shorter than its windows.
        StoreError: The disk is full.
    """
    reduce = reduction(cut.windows, size=size)
    plate = None
    if cut.plate:
        width, height = cut.info.width, cut.info.height
        plate = Plate.of(cut.source, width=width, height=height, reduce=reduce)
    waiting = deque(sorted(cut.windows, key=lambda window: window.first))
    active: list[tuple[Window, Part, ExitStack]] = []
    done: list[tuple[Window, Part]] = []
    count = 0
    with ExitStack() as everything:
        for frame, mask in _with_masks(cut, reduce=reduce, threads=threads):
            while waiting and waiting[0].first <= count:
                window, stack = waiting.popleft(), ExitStack()
                everything.push(stack)
                active.append((window, stack.enter_context(new_part()), stack))
            scale = frame.shape[1] / cut.info.width, frame.shape[0] / cut.info.height
            for window, part, _ in active:
                box = window.at(count)
                scaled = scale_box(box, *scale)
                square = crop_and_resize(frame, scaled, size=size)
                silhouette = None
                if plate is not None:
                    silhouette = plate.mask(square, scaled)
                elif mask is not None:
                    apart = mask.shape[1] / cut.info.width, mask.shape[0] / cut.info.height
                    grey = mask[..., 1]  # grey in colour: any channel will do
                    silhouette = crop_and_resize(grey, scale_box(box, *apart), size=size)
                part.write(square, box=box, mask=silhouette)
            count += 1
            tick()
            for window, part, stack in [each for each in active if each[0].stop == count]:
                stack.close()
                done.append((window, part))
            active = [each for each in active if each[0].stop != count]
            if not active and not waiting:
                break
        for window, part, stack in active:
            if window.stop is None:
                stack.close()
                done.append((window, part))
    last = max((window.stop or 0 for window in cut.windows), default=0)
    if last > count:
        raise VideoError(
            f"{cut.source}: expected {counted(last, 'frame')}, as there are boxes, got {count}. "
            "The boxes are of another video."
        )
    order = {id(window): place for place, window in enumerate(cut.windows)}
    return sorted(done, key=lambda each: order[id(each[0])])


def _with_masks(
    cut: Cut, *, reduce: int, threads: int
) -> Iterator[tuple[RGBFrame, RGBFrame | None]]:
    frames = read_frames(cut.source, reduce=reduce, threads=threads)
    if cut.mask is None:
        yield from zip(frames, repeat(None))
        return
    masks = read_frames(cut.mask, reduce=reduce, threads=threads)
    count = 0
    for frame in frames:
        mask = next(masks, None)
        if mask is None:
            raise StoreError(
                f"{cut.mask}: expected as many masks as frames, got {counted(count, 'mask')} and "
                "more frames."
            )
        count += 1
        yield frame, mask
    extra = sum(1 for _ in masks)
    if extra:
        raise StoreError(
            f"{cut.mask}: expected as many masks as frames, got {counted(count + extra, 'mask')} "
            f"for {counted(count, 'frame')}."
        )
