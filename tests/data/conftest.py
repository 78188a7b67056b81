"""What the tests of data share."""

import numpy as np
import pytest

from keypointgan.types import FrameArray


@pytest.fixture
def smooth_frames() -> FrameArray:
    """Nine frames of side 16 that survive lossy encoding: ramps whose colour tells the frame."""
    ramp = np.linspace(0, 120, 16)
    red = np.broadcast_to(ramp[None, :, None], (16, 16, 1))
    green = np.broadcast_to(ramp[:, None, None], (16, 16, 1))
    blue = np.full((16, 16, 1), 1.0)
    return np.stack([np.concatenate([red, green, blue * 28 * i], -1) for i in range(9)]).astype(
        np.uint8
    )
