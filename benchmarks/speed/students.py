"""How fast students read and learn, by their backbone; and how fast views get faults of cameras."""

from collections.abc import Callable
from functools import partial
from typing import get_args

import torch
from measure import Figures, compare
from torch import Tensor, nn

from keypointgan.data.camera import (
    add_faults,
    add_grain,
    blur,
    coarsen,
    compress,
    light_unevenly,
)
from keypointgan.data.dice import Dice
from keypointgan.models.student import Backbone, Student

_SIZE = 128
_PROBABILITY = 0.2


def time_students(*, batch: int, repeats: int, device: torch.device) -> dict[str, Figures]:
    """Residual stages, with which the other backbones are compared."""
    frames = (torch.rand(batch, 3, _SIZE, _SIZE, device=device) * 2 - 1).to(
        memory_format=torch.channels_last
    )
    reading: dict[str, Callable[[], object]] = {}
    learning: dict[str, Callable[[], object]] = {}
    for backbone in get_args(Backbone):
        for variants, run in ((reading, _read), (learning, _learn)):
            student = _settled(Student(keypoints=17, backbone=backbone).to(device), frames)
            variants[backbone] = partial(run, student, frames)
    return {
        f"reading {batch} frames, {_SIZE} px": compare(reading, repeats=repeats, device=device),
        f"learning from {batch} frames, {_SIZE} px": compare(
            learning, repeats=repeats, device=device
        ),
    }


def time_faults(*, batch: int, repeats: int, device: torch.device) -> dict[str, Figures]:
    """All faults made for all views, with which those that are kept alone are compared."""
    pictures = torch.rand(batch, 3, _SIZE, _SIZE, device=device)
    dice = Dice(batch, generator=torch.Generator(device).manual_seed(0))
    variants: dict[str, Callable[[], object]] = {
        "for all views": partial(_add_faults_to_all, pictures, dice),
        "for those that have them": partial(add_faults, pictures, dice, probability=_PROBABILITY),
    }
    name = f"faults of {batch} views, {_SIZE} px, probability {_PROBABILITY}"
    return {name: compare(variants, repeats=repeats, device=device)}


@torch.no_grad()
def _settled(student: Student, frames: Tensor) -> Student:
    """With running means of these frames, as of trained ones: tiny numbers would be slow."""
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    norms = [module for module in student.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    student.train()(frames)
    for norm in norms:
        norm.momentum = 0.1
    return student


@torch.no_grad()
def _read(student: Student, frames: Tensor) -> None:
    student.eval()(frames)


def _learn(student: Student, frames: Tensor) -> None:
    student.zero_grad()
    heatmaps, log_error = student.train()(frames)
    (heatmaps.square().mean() + log_error.square().mean()).backward()


def _add_faults_to_all(pictures: Tensor, dice: Dice) -> Tensor:
    for fault in (light_unevenly, blur, coarsen, add_grain, compress):
        pictures = dice.either(_PROBABILITY, fault(pictures, dice), pictures)
    return pictures.clamp(0, 1)
