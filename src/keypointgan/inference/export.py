"""A detector as one ONNX file, which runs without torch and without this package.

The file is checked against the detector before it is written. It says itself what it takes and
gives, in its metadata:

| key | value |
| --- | --- |
| `input` | what `frames` is: uint8 RGB (batch, size, size, 3) |
| `size`, `colour_order` | side of a frame in pixels; `RGB` |
| `keypoints`, `confidence` | what the two outputs are, and in which units |
| `skeleton`, `joints`, `links` | names and links of the keypoints, as JSON |
| `keypointgan` | the version that wrote it |
"""

import copy
import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from keypointgan import __version__
from keypointgan.data.whole_files import make_folder, whole_file
from keypointgan.errors import ExportError, MissingExtraError
from keypointgan.inference.detector import Detector
from keypointgan.models.keypointgan import DetectingModel
from keypointgan.models.student import Student
from keypointgan.ops.keypoints import from_aligned_corners, to_pixels
from keypointgan.types import FrameArray

OPSET = 18
"""Version of the ONNX operators in the file; ONNX Runtime reads it since 1.14."""
TOLERANCE = 0.01
"""Largest distance in pixels between the file's keypoints and the detector's."""

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_BATCHES = (1, 3, 8)  # the file must take any number of frames


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        opset: Version of the ONNX operators.
        difference: Largest distance between its keypoints and the detector's, in pixels.
        confidence_difference: Likewise for the confidence.
    """

    path: Path
    opset: int
    difference: float
    confidence_difference: float


class _FramesToPixels(nn.Module):
    """The detector with its frames as they come from a video and its keypoints in pixels."""

    def __init__(self, detector: Detector, networks: DetectingModel) -> None:
        super().__init__()
        self.networks = networks
        self.size = (detector.size, detector.size)
        self.align_corners = detector.align_corners

    def forward(
        self, frames: UInt8[Tensor, "batch size size 3"]
    ) -> tuple[Float[Tensor, "batch keypoint 2"], Float[Tensor, "batch keypoint"]]:
        """The keypoints in pixels of the frames, and their confidence."""
        detection = self.networks.detect(frames.permute(0, 3, 1, 2).float() / 127.5 - 1)
        keypoints = detection.keypoints
        if self.align_corners:
            keypoints = from_aligned_corners(keypoints, size=self.size)
        return to_pixels(keypoints, size=self.size), detection.confidence.clamp(0, 1)


def export_onnx(detector: Detector, path: str | Path) -> Exported:
    """Write the detector to an ONNX file that takes any number of frames at once.

    The file is written only after ONNX Runtime has found the same keypoints with it.

    Args:
        detector: What to export; it is left as it is.
        path: The file, which ends in `.onnx`.

    Raises:
        MissingExtraError: The extra `export` is not installed.
        ExportError: The file finds other keypoints, or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        raise ExportError(f"{path}: expected a file that ends in .onnx, got '{path.suffix}'.")
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(package, extra="export", purpose="write ONNX files")
    if not isinstance(detector.model, nn.Module):
        raise ExportError(
            f"Expected a detector of torch modules, got {type(detector.model).__name__}."
        )
    networks: Any = copy.deepcopy(detector.model).cpu().float().eval()
    if isinstance(networks, Student):
        networks.naming = None  # sides are named along videos, not in the frames of the file
    on_cpu = Detector(
        networks,
        skeleton=detector.skeleton,
        size=detector.size,
        align_corners=detector.align_corners,
    )
    content = _to_onnx(_FramesToPixels(on_cpu, networks), detector)
    difference, confidence_difference = _compare(content, on_cpu)
    if not difference < TOLERANCE:  # also refuses NaN
        raise ExportError(
            f"{path}: expected keypoints within {TOLERANCE} pixels of the detector's, got "
            f"{difference:.3g} pixels with ONNX Runtime. Nothing was written. Try other versions "
            f"of {', '.join(_PACKAGES)} and torch ({torch.__version__})."
        )
    make_folder(path.parent)
    with whole_file(path) as beside:
        beside.write_bytes(content)
    return Exported(path, OPSET, difference, confidence_difference)


def _to_onnx(module: _FramesToPixels, detector: Detector) -> bytes:
    """Return the file's content, with its description of itself."""
    import onnx

    frames = torch.zeros(2, detector.size, detector.size, 3, dtype=torch.uint8)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            module,
            (frames,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["frames"],
            output_names=["keypoints", "confidence"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    assert program is not None  # as the exporter in use returns it
    model = program.model_proto
    onnx.helper.set_model_props(model, _describe(detector))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _describe(detector: Detector) -> dict[str, str]:
    size = detector.size
    skeleton = detector.skeleton.to_dict()
    return {
        "keypointgan": __version__,
        "input": (
            f"frames: uint8 RGB, 0 to 255, (batch, {size}, {size}, 3); the square around the "
            f"object, resized to {size} pixels"
        ),
        "size": str(size),
        "colour_order": "RGB",
        "keypoints": (
            f"(batch, {detector.skeleton.num_joints}, 2): x to the right and y down in pixels of "
            f"the input frame, whose outer edges are 0 and {size}"
        ),
        "confidence": f"(batch, {detector.skeleton.num_joints}), from 0 to 1",
        "skeleton": detector.skeleton.name,
        "joints": json.dumps(skeleton["joints"]),
        "links": json.dumps(skeleton["links"]),
    }


def _compare(content: bytes, detector: Detector) -> tuple[float, float]:
    """Return the largest differences in keypoints (pixels) and confidence, over some frames."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    differences = []
    for count in _BATCHES:
        frames = _varied_frames(count, size=detector.size)
        keypoints, confidence = session.run(None, {"frames": frames})
        expected = detector.predict(frames)
        differences.append(
            (
                np.linalg.norm(keypoints - expected.xy, axis=-1).max(),
                np.abs(confidence - expected.confidence).max(),
            )
        )
    largest = np.max(differences, axis=0)  # NaN stays NaN
    return float(largest[0]), float(largest[1])


def _varied_frames(count: int, *, size: int) -> FrameArray:
    """Return frames of coloured blotches of many sizes: something to see at every scale."""
    generator = np.random.default_rng(0)
    frames = np.zeros((count, size, size, 3))
    for cells in (2, 4, 8, 16, size):
        blotches = generator.uniform(0, 51, (count, cells, cells, 3))
        frames += blotches.repeat(-(-size // cells), 1).repeat(-(-size // cells), 2)[
            :, :size, :size
        ]
    return frames.round().astype(np.uint8)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from talking about its own parts and those of torchvision."""
    logger: Any = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # deprecations inside torch.export
            yield
    finally:
        logger.setLevel(level)
