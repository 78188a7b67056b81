"""Other views of the same frames: moved, in other light, partly hidden; and where points went.

What a detector must not care about (METHOD 6, point 4): the keypoints of a moved frame are the
moved keypoints, and light, blur, noise and things in front change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from keypointgan.data.bystanders import add_bystanders
from keypointgan.data.camera import Pictures, add_faults
from keypointgan.data.close_ups import come_closer
from keypointgan.data.dice import Dice
from keypointgan.ops.keypoints import mirror
from keypointgan.ops.warp import Warp, random_warp, warp_frames
from keypointgan.types import Frames, Keypoints


@dataclass(frozen=True)
class ViewRange:
    """How far views may differ from the frames.

    Attributes:
        rotation: Standard deviation, degrees; 180 is as good as any angle.
        scale: Standard deviation around 1.
        shift: Standard deviation, normalised units (the side is 2).
        light: Strength of changes of light, colour, blur and noise; 1 is strong.
        hidden: Probability that something hides a part.
        camera: Probability of each fault of cameras and recorders (`data.camera`).
        inverted: Share of the views in which bright and dark are exchanged.
        bystanders: Probability that somebody else is beside (`data.bystanders`).
        close_ups: Probability that a part of the object is outside (`data.close_ups`).
        mirror: For each keypoint the index of the one on the other side, to mirror half of the
            views; none to mirror no view.
    """

    rotation: float
    scale: float
    shift: float
    light: float
    hidden: float
    camera: float
    inverted: float
    bystanders: float
    close_ups: float
    mirror: Sequence[int] | None


@dataclass(frozen=True)
class MovedFrames:
    """Frames that were turned, scaled, shifted and perhaps mirrored.

    Attributes:
        frame: The moved frames, in [-1, 1].
        warp: How they were moved.
        mirrored: Which were mirrored afterwards (batch); none if absent.
        order: For each keypoint the index of the one on the other side.
    """

    frame: Frames
    warp: Warp
    mirrored: Bool[Tensor, " batch"] | None
    order: Sequence[int]

    def move(self, points: Keypoints) -> Keypoints:
        """Where the keypoints of the original frames are in the moved ones; differentiable."""
        moved = self.warp.move(points)
        if self.mirrored is None:
            return moved
        other = mirror(moved, order=self.order)
        return torch.where(self.mirrored[:, None, None], other, moved)


def move_frames(
    frames: Frames,
    *,
    rotation: float,
    scale: float,
    shift: float,
    light: float,
    order: Sequence[int] | None,
    generator: torch.Generator,
) -> MovedFrames:
    """Each frame moved at random.

    Args:
        frames: In [-1, 1].
        rotation: Standard deviation, degrees.
        scale: Standard deviation around 1.
        shift: Standard deviation, normalised units (the side is 2).
        light: Strength of changes of light, colour, blur and noise.
        order: For each keypoint the index of the one on the other side, to mirror half of the
            frames; none to mirror no frame.
        generator: Of everything random, on the frames' device.
    """
    dice = Dice(len(frames), generator=generator)
    warp = random_warp(
        len(frames), generator=generator, rotation=rotation, scale=scale, shift=shift
    )
    moved = _seen_through(frames, warp, dice, order=order)
    pictures = change_light((moved.frame + 1) / 2, dice, strength=light)
    return replace(moved, frame=pictures * 2 - 1)


def _seen_through(
    frames: Frames, warp: Warp, dice: Dice, *, order: Sequence[int] | None
) -> MovedFrames:
    """The frames moved by the warp, half of them mirrored if there is an order of sides."""
    moved = warp_frames(frames, warp)
    if order is None:
        return MovedFrames(moved, warp, None, ())
    mirrored = dice.uniform(0, 1) < 0.5
    moved = torch.where(_each(mirrored), moved.flip(-1), moved)
    return MovedFrames(moved, warp, mirrored, order)


def draw_views(
    frames: Frames, points: Keypoints, views: ViewRange, *, generator: torch.Generator
) -> tuple[Frames, Keypoints]:
    """A random view of each frame, and its points there.

    Args:
        frames: In [-1, 1].
        points: Their keypoints.
        views: How far the views may differ.
        generator: Of everything random, on the frames' device.
    """
    dice = Dice(len(frames), generator=generator)
    warp = random_warp(
        len(frames),
        generator=generator,
        rotation=views.rotation,
        scale=views.scale,
        shift=views.shift,
    )
    warp = come_closer(warp, points, dice, probability=views.close_ups)
    moved = _seen_through(frames, warp, dice, order=views.mirror)
    points = moved.move(points)
    pictures = add_bystanders((moved.frame + 1) / 2, points, dice, probability=views.bystanders)
    pictures = change_light(pictures, dice, strength=views.light)
    if views.hidden:
        pictures = hide_parts(pictures, dice, probability=views.hidden)
    pictures = add_faults(pictures, dice, probability=views.camera)
    if views.inverted:
        pictures = dice.either(views.inverted, 1 - pictures, pictures)
    return pictures * 2 - 1, points


def change_light(pictures: Pictures, dice: Dice, *, strength: float) -> Pictures:
    """The pictures as another camera in another light would have taken them."""
    if not strength:
        return pictures
    size = pictures.shape[-2:]
    coarse = interpolate(avg_pool2d(pictures, 2), size=size, mode="bilinear", align_corners=False)
    blurred = avg_pool2d(pictures, 3, stride=1, padding=1, count_include_pad=False)
    pictures = torch.lerp(pictures, blurred, _each(dice.uniform(0, strength)))
    is_coarse = _each(dice.uniform(0, 1)) < 0.2 * strength
    pictures = torch.where(is_coarse, coarse, pictures)
    pictures = pictures.clamp_min(1e-3) ** _each((dice.uniform(-0.4, 0.4) * strength).exp())
    grey = pictures.mean(dim=1, keepdim=True)
    colour = _each(1 + strength * dice.uniform(-0.6, 0.4))
    colour = torch.where(_each(dice.uniform(0, 1)) < 0.12 * strength, 0.0, colour)
    pictures = grey + (pictures - grey) * colour
    middle = pictures.mean(dim=(1, 2, 3), keepdim=True)
    contrast = _each(1 + strength * dice.uniform(-0.3, 0.3))
    pictures = middle + (pictures - middle) * contrast
    gain = _each(1 + strength * dice.uniform(-0.3, 0.3))
    tint = 1 + strength * dice.uniform(-0.12, 0.12, 3, 1, 1)
    pictures = pictures * gain * tint + strength * _each(dice.uniform(-0.1, 0.1))
    noise = dice.normal(*pictures.shape[1:]) * _each(dice.uniform(0, 0.05)) * strength
    return (pictures + noise).clamp(0, 1)


def hide_parts(pictures: Pictures, dice: Dice, *, probability: float, parts: int = 2) -> Pictures:
    """The pictures with rectangles in front: of one colour, or a part of another picture."""
    height, width = pictures.shape[-2:]
    x = ((torch.arange(width, device=pictures.device) * 2 + 1) / width - 1).view(1, 1, 1, -1)
    y = ((torch.arange(height, device=pictures.device) * 2 + 1) / height - 1).view(1, 1, -1, 1)
    for _ in range(parts):
        centre, half = dice.uniform(-1, 1, 2, 1, 1, 1), dice.uniform(0.05, 0.35, 2, 1, 1, 1)
        inside = ((x - centre[:, 0]).abs() < half[:, 0]) & ((y - centre[:, 1]).abs() < half[:, 1])
        inside = inside & (_each(dice.uniform(0, 1)) < probability)
        plain = dice.colours()[:, :, None, None].expand_as(pictures)
        other = pictures.roll(1, 0).flip(-2)
        filling = torch.where(_each(dice.uniform(0, 1)) < 0.5, plain, other)
        pictures = torch.where(inside, filling, pictures)
    return pictures


def _each(values: Shaped[Tensor, " batch"]) -> Shaped[Tensor, "batch 1 1 1"]:
    return values[:, None, None, None]
