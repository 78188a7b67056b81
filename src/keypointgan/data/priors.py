"""The prior: unpaired poses, placed in the frame under random views and jitters.

Nothing here knows which pose belongs to which picture: none does.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.data.prior_files import check_complete, check_variety, normalise, read_poses
from keypointgan.data.prior_views import between, bounding_box, project, rotate, shift_inside
from keypointgan.errors import PriorError
from keypointgan.skeletons import Skeleton
from keypointgan.types import Keypoints

Place = Literal["as_is", "fit", "body"]
Poses = Float[Tensor, "pose keypoint axes"]


@dataclass(frozen=True)
class Placement:
    """How poses are put into the frame.

    Attributes:
        place: `as_is`: the coordinates are those of the frames. `fit`: the bounding box of each
            pose, as it is drawn, is centred and its longer side scaled. `body`: the box is
            centred, and one scale for all poses gives the median body that longer side.
        extent: Longer side of the box, as a share of the frame.
        centre: Where the centre of the box goes, normalised (x, y).
        scale_jitter: Standard deviation of the logarithm of a random scale.
        shift_jitter: Standard deviation of a random shift, as a share of the frame.
        rotation_jitter: Standard deviation of a random rotation in the image plane, in degrees;
            180 is as good as uniform.
        mirror: With probability ½ show the mirror image, left and right exchanged.
        azimuth: Range in degrees from which 3D poses are seen: 0 from their +z side, 90 from +x.
        elevation: Range in degrees above the horizon from which 3D poses are seen.
        field_of_view: Of the camera that sees 3D poses, in degrees.
    """

    place: Place
    extent: float
    centre: tuple[float, float]
    scale_jitter: float
    shift_jitter: float
    rotation_jitter: float
    mirror: bool
    azimuth: tuple[float, float]
    elevation: tuple[float, float]
    field_of_view: float


@dataclass(frozen=True)
class Solid:
    """3D poses as a camera sees them.

    Attributes:
        points: Normalised x and y (down), and z towards the viewer in the same unit.
        metre: How long a metre is in each picture, normalised.
    """

    points: Float[Tensor, "batch keypoint 3"]
    metre: Float[Tensor, " batch"]


@dataclass(frozen=True, eq=False)
class Prior:
    """A sample of unpaired poses and how it is placed in the frame.

    Attributes:
        poses: 2D poses, y down; or 3D poses in metres, y up, each centred on its bounding box.
        skeleton: Gives the joints and which of them a mirror exchanges.
        placement: How they are put into the frame.
        body_size: Median over the poses of the longest side of the bounding box.
    """

    poses: Poses
    skeleton: Skeleton
    placement: Placement
    body_size: float
    _copies: dict[torch.device, tuple[Tensor, Tensor]] = field(
        default_factory=dict, init=False, repr=False
    )

    @classmethod
    def load(
        cls,
        path: str | Path,
        skeleton: Skeleton,
        *,
        place: Place,
        extent: float,
        centre: tuple[float, float],
        scale_jitter: float,
        shift_jitter: float,
        rotation_jitter: float,
        mirror: bool,
        azimuth: tuple[float, float],
        elevation: tuple[float, float],
        field_of_view: float,
        joint_map: Mapping[str, str] | None = None,
    ) -> "Prior":
        """Return the prior in a file (see `prior_files`), to be placed as told (see `Placement`).

        Args:
            path: An npz, csv or slp file of 2D or 3D poses.
            skeleton: Gives the joints and their order.
            place: How the poses are brought into the frame.
            extent: Longer side of the box, as a share of the frame.
            centre: Where the centre of the box goes, normalised.
            scale_jitter: Standard deviation of the logarithm of the scale.
            shift_jitter: Standard deviation of the shift, as a share of the frame.
            rotation_jitter: Standard deviation of the rotation, in degrees.
            mirror: Whether half of the poses are mirrored.
            azimuth: Range of the camera of 3D poses, in degrees.
            elevation: Range of the camera of 3D poses, in degrees.
            field_of_view: Of the camera of 3D poses, in degrees.
            joint_map: For joints that the file calls otherwise: skeleton's name -> file's name.

        Raises:
            PriorError: The poses cannot be read, or not be placed like this.
        """
        file = read_poses(path, skeleton, joint_map=joint_map)
        placement = Placement(
            place=place,
            extent=extent,
            centre=centre,
            scale_jitter=scale_jitter,
            shift_jitter=shift_jitter,
            rotation_jitter=rotation_jitter,
            mirror=mirror,
            azimuth=azimuth,
            elevation=elevation,
            field_of_view=field_of_view,
        )
        check_complete(file.points, path)
        check_variety(file.points, path)
        points = file.points
        if place == "as_is":
            points = normalise(points, file.size, path)
        if points.shape[2] == 3:
            points = points - (points.min(axis=1) + points.max(axis=1))[:, None] / 2
        prior = cls(
            torch.from_numpy(np.ascontiguousarray(points)),
            skeleton,
            placement,
            _body_size(points),
        )
        if prior.is_3d:
            _check_camera(prior, path)
        return prior

    @property
    def num_poses(self) -> int:
        """How many poses the file holds, before views and jitters multiply them."""
        return len(self.poses)

    @property
    def is_3d(self) -> bool:
        """Whether the poses are 3D and seen by random cameras."""
        return self.poses.shape[2] == 3

    def sample(
        self,
        count: int,
        *,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        keep_inside: bool = False,
    ) -> Keypoints:
        """Return random poses, each freshly viewed, placed and jittered.

        Points may lie outside of the frame, as those of real people do; nothing is clamped.

        Args:
            count: How many.
            generator: Source of everything random; the numbers are drawn on its own device, so
                that one of the CPU gives the same poses everywhere.
            device: Where the poses are computed and returned.
            keep_inside: Shift a pose that sticks out of the frame back inside, or to the middle
                where it is larger than the frame.
        """
        points = self._sample(count, generator=generator, device=torch.device(device))[0][..., :2]
        return shift_inside(points) if keep_inside else points

    def sample_solid(
        self, count: int, *, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> Solid:
        """Return random 3D poses as a camera sees them, placed as those of `sample`.

        Args:
            count: How many.
            generator: Source of everything random.
            device: Where the poses are computed and returned.

        Raises:
            PriorError: The poses are 2D.
        """
        if not self.is_3d:
            raise PriorError(
                "Expected a prior of 3D poses to draw bodies from, got 2D ones. Name one with "
                "prior.poses, or set figures.alone and figures.weight to 0."
            )
        return Solid(*self._sample(count, generator=generator, device=torch.device(device)))

    def _sample(
        self, count: int, *, generator: torch.Generator, device: torch.device
    ) -> tuple[Poses, Float[Tensor, " pose"]]:
        source = generator.device
        uniform = torch.rand(count, 3, generator=generator, device=source).to(device)
        normal = torch.randn(count, 4, generator=generator, device=source).to(device)
        rows = torch.randint(self.num_poses, (count,), generator=generator, device=source)
        poses, mirror = self._on(device)
        points = poses[rows.to(device)]
        placement = self.placement
        if self.is_3d:
            points = project(
                points,
                azimuth=between(placement.azimuth, uniform[:, 0]),
                elevation=between(placement.elevation, uniform[:, 1]),
                distance=self._distance,
                focal=self._focal,
            )
        points, depth = points[..., :2], points[..., 2:]
        if placement.mirror:
            x, y = points[:, mirror].unbind(dim=-1)
            half = (uniform[:, 2] < 0.5)[:, None, None]
            points = torch.where(half, torch.stack([-x, y], dim=-1), points)
            depth = torch.where(half, depth[:, mirror], depth)
        points, middle, factor = self._place(points, normal[:, 0] * placement.rotation_jitter)
        scale = torch.exp(normal[:, 1] * placement.scale_jitter)[:, None, None]
        points = points * scale + middle + 2 * placement.shift_jitter * normal[:, None, 2:]
        enlarged = factor * scale
        metre = enlarged[:, 0, 0] * (self._focal / self._distance)
        return torch.cat([points, depth * enlarged], dim=-1), metre

    def split(self, fraction: float, *, seed: int) -> "tuple[Prior, Prior]":
        """Return the poses to train with and a random share kept apart (at least one pose each)."""
        held_out = min(max(round(self.num_poses * fraction), 1), self.num_poses - 1)
        order = torch.randperm(self.num_poses, generator=torch.Generator().manual_seed(seed))
        parts = order[held_out:].sort().values, order[:held_out].sort().values
        return replace(self, poses=self.poses[parts[0]]), replace(self, poses=self.poses[parts[1]])

    def limited(self, count: int, *, seed: int) -> "Prior":
        """Return a prior of `count` of the poses, chosen at random, as if the file held no others.

        Raises:
            PriorError: It has fewer, fewer than two are asked for, or a body is behind the camera.
        """
        if not 2 <= count <= self.num_poses:
            raise PriorError(
                f"prior.limit: expected 2 to {self.num_poses} poses, as many as there are, got "
                f"{count}. 0 takes all."
            )
        order = torch.randperm(self.num_poses, generator=torch.Generator().manual_seed(seed))
        poses = self.poses[order[:count].sort().values]
        limited = replace(self, poses=poses, body_size=_body_size(poses.numpy()))
        if limited.is_3d:
            _check_camera(limited, "prior.limit")
        return limited

    def mean_pose(self) -> Float[Tensor, "keypoint 2"]:
        """Return the mean over views and jitters: the best guess that ignores the image."""
        return self.sample(4096, generator=torch.Generator().manual_seed(0)).mean(dim=0)

    @property
    def _focal(self) -> float:
        return 1 / math.tan(math.radians(self.placement.field_of_view) / 2)

    @property
    def _distance(self) -> float:
        """How far the camera stands for the median body to have its extent."""
        return self._focal * self.body_size / (2 * self.placement.extent)

    def _on(self, device: torch.device) -> tuple[Poses, Tensor]:
        """Return the poses and the order of joints in a mirror, copied to a device once."""
        if device not in self._copies:
            mirror = torch.tensor(self.skeleton.mirror, device=device)
            self._copies[device] = self.poses.to(device), mirror
        return self._copies[device]

    def _place(
        self, points: Keypoints, degrees: Float[Tensor, " batch"]
    ) -> tuple[Keypoints, Float[Tensor, "batch 1 2"], Float[Tensor, "batch 1 1"]]:
        """Return the poses around their middles, where these go, and the enlargement."""
        placement = self.placement
        middle, _ = bounding_box(points)
        points = rotate(points - middle, degrees)
        same = points.new_ones(len(points), 1, 1)
        if placement.place == "as_is":
            return points, middle, same
        offset, side = bounding_box(points)
        if placement.place == "fit":
            factor = 2 * placement.extent / side
        elif self.is_3d:  # the camera's distance has set the scale
            factor = same
        else:
            factor = same * (2 * placement.extent / self.body_size)
        centre = points.new_tensor(placement.centre).expand(len(points), 1, 2)
        return (points - offset) * factor, centre, factor


def _body_size(points: np.ndarray) -> float:
    """The median over poses of the longest side of the bounding box."""
    return float(np.median((points.max(axis=1) - points.min(axis=1)).max(axis=1)))


def _check_camera(prior: Prior, path: str | Path) -> None:
    reach = float(prior.poses.norm(dim=-1).max())
    if prior._distance <= 1.05 * reach:
        raise PriorError(
            f"{path}: expected every body in front of the camera, got a joint {reach:.2f} m from "
            f"the middle of its body and a camera at {prior._distance:.2f} m. Lower "
            "the extent or the field of view, or remove poses far larger than the median."
        )
