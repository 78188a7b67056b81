"""Pictures of what the networks do, one row a frame."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageColor, ImageDraw
from torch import Tensor

from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.student import Student
from keypointgan.ops.render import render_skeleton
from keypointgan.skeletons import SIDES, Skeleton
from keypointgan.types import Frames, Keypoints, SkeletonImages

COLUMNS = ("frame", "skeleton image", "rendered", "reference", "reconstruction", "keypoints")
_HEADER = 16
_COLUMN_WIDTH = 128
"""Frames smaller than this are enlarged, so that limbs and titles can be made out."""


@torch.no_grad()
def write_panel(
    path: Path,
    model: KeypointGAN,
    skeleton: Skeleton,
    *,
    frame: Frames,
    reference: Frames,
    background: Frames | None = None,
) -> None:
    """Write a picture with, for each frame, what each stage makes of it (see `COLUMNS`)."""
    rebuilt = model(frame, reference, background)
    columns = [
        frame,
        colour_skeletons(rebuilt.skeleton_image, skeleton),
        colour_skeletons(rebuilt.rendered, skeleton),
        reference,
        rebuilt.frame,
        overlay_keypoints(frame, rebuilt.keypoints, skeleton),
    ]
    rows = torch.cat([column.float().cpu().clamp(-1, 1) for column in columns], dim=3)
    enlarged = max(1, round(_COLUMN_WIDTH / frame.shape[-1]))
    rows = rows.repeat_interleave(enlarged, dim=2).repeat_interleave(enlarged, dim=3)
    picture = ((rows + 1) * 127.5).round().byte().permute(0, 2, 3, 1).flatten(0, 1).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    _with_header(picture, width=enlarged * frame.shape[-1]).save(path)


@torch.no_grad()
def write_points(
    path: Path, model: KeypointGAN | Student, skeleton: Skeleton, *, frame: Frames, columns: int = 8
) -> None:
    """Write a sheet of frames with what a detector finds in them, in full rows."""
    columns = min(columns, len(frame))
    found = overlay_keypoints(frame, model.detect(frame).keypoints, skeleton)
    tiles = found.float().cpu().clamp(-1, 1)[: len(found) // columns * columns]
    enlarged = max(1, round(_COLUMN_WIDTH / frame.shape[-1]))
    rows = tiles.unflatten(0, (-1, columns)).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    picture = ((rows + 1) * 127.5).round().byte().numpy()
    picture = picture.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def colour_skeletons(images: SkeletonImages, skeleton: Skeleton) -> Frames:
    """Skeleton images as RGB: grey for one channel, the colour of its side for each of three."""
    if images.shape[1] == 1:
        return images.expand(-1, 3, -1, -1)
    colours = _side_colours(skeleton).to(images)
    mixed = ((images.clamp(-1, 1) + 1) / 2).flatten(2).transpose(1, 2) @ colours
    return mixed.transpose(1, 2).reshape(len(images), 3, *images.shape[2:]) * 2 - 1


def overlay_keypoints(frame: Frames, keypoints: Keypoints, skeleton: Skeleton) -> Frames:
    """Frames with the skeleton drawn over them, in the colours of its sides."""
    height, width = frame.shape[-2:]
    drawn = render_skeleton(
        keypoints.float(),
        skeleton.links,
        size=(height, width),
        sigma=2.0 / width,
        falloff="squared",
        groups=[*skeleton.link_groups],
    )
    colours = _side_colours(skeleton).to(frame)
    for channel in range(drawn.shape[1]):
        opacity = drawn[:, channel : channel + 1].to(frame)
        frame = frame * (1 - opacity) + (2 * colours[channel].view(1, 3, 1, 1) - 1) * opacity
    return frame


def _side_colours(skeleton: Skeleton) -> Tensor:
    rgb = [ImageColor.getrgb(skeleton.colours[side])[:3] for side in SIDES]
    return torch.tensor(rgb, dtype=torch.float32) / 255


def _with_header(picture: np.ndarray, *, width: int) -> Image.Image:
    height, total = picture.shape[:2]
    sheet = Image.new("RGB", (total, height + _HEADER), "white")
    sheet.paste(Image.fromarray(picture), (0, _HEADER))
    draw = ImageDraw.Draw(sheet)
    for index, title in enumerate(COLUMNS):
        draw.text((index * width + 3, 2), title, fill="black")
    return sheet
