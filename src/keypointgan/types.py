"""Names for the tensors that flow through the method, and the coordinate convention.

**Coordinates.** A location is (x, y), x to the right and y down, normalised so that -1 and +1 are
the outer *edges* of the image. Pixel i of W has its centre at (2i + 1)/W - 1; a coordinate means
the same place at every resolution. Converted in `ops.keypoints` only.
"""

from jaxtyping import Float, Float32, Int64, UInt8
from numpy import ndarray
from torch import Tensor

Frames = Float[Tensor, "batch 3 height width"]
"""RGB frames in [-1, 1]; also references and reconstructions."""

SkeletonImages = Float[Tensor, "batch channel height width"]
"""Pictures of poses in [-1, 1]: limb +1, background -1; a channel for each group of links."""

Drawings = Float[Tensor, "batch channel height width"]
"""What the renderer returns, in [0, 1]: limb 1, background 0."""

Masks = Float[Tensor, "batch 1 height width"]
"""1 on the object, 0 on the background."""

Keypoints = Float[Tensor, "batch keypoint 2"]
"""Normalised (x, y); -1 and +1 are the outer edges of the image."""

Heatmaps = Float[Tensor, "batch keypoint rows columns"]
"""Unnormalised scores of each keypoint at each place."""

Confidence = Float[Tensor, "batch keypoint"]
"""How concentrated a keypoint's heatmap is, in [0, 1]."""

Evidence = Float[Tensor, "batch keypoint"]
"""Nats for the name under which each keypoint was read, against that of the other side."""

Peaks = Float[Tensor, "batch keypoint peak 3"]
"""(x, y) and nats of the places at which a keypoint may be, the likeliest first."""

Scores = Float[Tensor, "batch 1 _ _"]  # any size: each scale has its own
"""A discriminator's scores of the patches of a skeleton image."""

Scalar = Float[Tensor, ""]
"""One number, such as a loss."""

Rows = Int64[Tensor, " batch"]
"""Indices of frames in a store."""

FrameArray = UInt8[ndarray, "frame height width 3"]
"""RGB frames as they come from a video, 0 to 255."""

PoseArray = Float32[ndarray, "pose keypoint axes"]
"""Poses of a prior: 2 axes in pixels or normalised, or 3 axes in metres."""

__all__ = [
    "Confidence",
    "Drawings",
    "Evidence",
    "FrameArray",
    "Frames",
    "Heatmaps",
    "Keypoints",
    "Masks",
    "Peaks",
    "PoseArray",
    "Rows",
    "Scalar",
    "Scores",
    "SkeletonImages",
]
