"""The stages of the method in the order of the paper's figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import nn

from keypointgan.ops.keypoints import confidence, soft_argmax
from keypointgan.ops.render import Falloff, render_skeleton
from keypointgan.skeletons import Link
from keypointgan.types import Confidence, Evidence, Frames, Keypoints, Peaks, SkeletonImages


@dataclass(frozen=True)
class Reconstruction:
    """What each stage makes of a frame.

    Attributes:
        skeleton_image: The encoder's picture of the pose, Φ(x).
        keypoints: The points read from it, η(Φ(x)).
        rendered: Those points drawn again, β(η(Φ(x))): all that the decoder sees of the frame.
        frame: The frame rebuilt from them and the reference, x̂.
    """

    skeleton_image: SkeletonImages
    keypoints: Keypoints
    rendered: SkeletonImages
    frame: Frames


@dataclass(frozen=True)
class Detection:
    """The keypoints of frames.

    Attributes:
        keypoints: Where they are.
        confidence: How sure they are.
        skeleton_image: The picture they were read from, if any.
        evidence: For their sides, from detectors whose sides can be named along a video.
        peaks: Where else they may be, from the same detectors.
    """

    keypoints: Keypoints
    confidence: Confidence
    skeleton_image: SkeletonImages | None
    evidence: Evidence | None = None
    peaks: Peaks | None = None


@runtime_checkable
class DetectingModel(Protocol):
    """What finds keypoints in frames: the method, a student, an exported network."""

    def detect(self, frame: Frames, /) -> Detection:
        """The keypoints of frames."""
        ...


class KeypointGAN(nn.Module):
    """Encoder, regressor and decoder around the skeleton that is drawn between them.

    Args:
        encoder: Φ, from frames to skeleton images.
        regressor: η, from skeleton images to heatmaps.
        decoder: Ψ, from a rendered skeleton and a reference to a frame.
        links: The skeleton's links, as `ops.render` takes them.
        groups: The channel of each link; all in one if absent.
        sigma: Reach of a link's brightness.
        falloff: How the brightness falls with the distance, or with its square.
        align_corners: Whether keypoints are in the release's coordinates; only for its checkpoints.
    """

    def __init__(
        self,
        *,
        encoder: nn.Module,
        regressor: nn.Module,
        decoder: nn.Module,
        links: Sequence[Link],
        groups: Sequence[int] | None = None,
        sigma: float = 0.2,
        falloff: Falloff = "linear",
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.regressor = regressor
        self.decoder = decoder
        self.links = tuple(links)
        self.groups = None if groups is None else tuple(groups)
        self.sigma = sigma
        self.falloff: Falloff = falloff
        self.align_corners = align_corners

    def forward(
        self, frame: Frames, reference: Frames, background: Frames | None = None
    ) -> Reconstruction:
        """Rebuild `frame` from its pose and the appearance in `reference`.

        Args:
            frame: The frame whose pose is read.
            reference: Another frame of the same video, the only source of appearance.
            background: What a still camera sees behind the object, for decoders that keep it.
        """
        skeleton_image = self.encoder(frame)
        keypoints = soft_argmax(self.regressor(skeleton_image))
        height, width = frame.shape[-2:]
        rendered = self.draw(keypoints, size=(height, width))
        seen = (reference,) if background is None else (reference, background)
        return Reconstruction(skeleton_image, keypoints, rendered, self.decoder(rendered, *seen))

    def detect(self, frame: Frames) -> Detection:
        """The keypoints of `frame`, and how brightly a limb is drawn where they were read."""
        skeleton_image = self.encoder(frame)
        keypoints = soft_argmax(self.regressor(skeleton_image))
        return Detection(keypoints, confidence(skeleton_image, keypoints), skeleton_image)

    def draw(self, keypoints: Keypoints, *, size: tuple[int, int]) -> SkeletonImages:
        """The skeleton image of `keypoints`, β in the paper, in [-1, 1]."""
        drawn = render_skeleton(
            keypoints.float(),
            self.links,
            size=size,
            sigma=self.sigma,
            falloff=self.falloff,
            align_corners=self.align_corners,
            groups=self.groups,
        )
        return 2 * drawn - 1
