"""The pose of one picture with the appearance of another."""

from pathlib import Path

import numpy as np
import torch

from keypointgan.app.models import Models
from keypointgan.app.swapping import SHOWN, swap


def test_appearance_comes_from_one_picture_and_pose_from_the_other(tiny_run: Path) -> None:
    ready = Models([tiny_run], device="cpu").get(str(tiny_run))
    generator = np.random.default_rng(0)
    first, second, third = generator.integers(0, 256, (3, 64, 64, 3), np.uint8)
    swapped = swap(ready, pose=first, appearance=second)
    other_appearance = swap(ready, pose=first, appearance=third)
    other_pose = swap(ready, pose=third, appearance=second)
    np.testing.assert_array_equal(swapped.rendered, other_appearance.rendered)
    assert (swapped.result != other_appearance.result).any()
    assert (swapped.rendered != other_pose.rendered).any()
    assert swapped.result.shape == (SHOWN, SHOWN, 3)


def test_it_is_what_the_model_rebuilds_with_the_plate_behind(tiny_run: Path) -> None:
    """With a plate far from the reference the result changes; the model is called with both."""
    ready = Models([tiny_run], device="cpu").get(str(tiny_run))
    pose, appearance = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), np.uint8)
    white = np.full((64, 64, 3), 255, np.uint8)
    result = swap(ready, pose=pose, appearance=appearance, plate=white).result

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).permute(2, 0, 1)[None].float() / 127.5 - 1

    with torch.inference_mode():
        expected = ready.loaded.model(tensor(pose), tensor(appearance), tensor(white)).frame
    mean = float((expected.clamp(-1, 1).mean() + 1) * 127.5)
    assert abs(result.mean() - mean) < 1
    assert result.mean() > swap(ready, pose=pose, appearance=appearance).result.mean() + 20
