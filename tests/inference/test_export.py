"""Exported detectors: they find what the detector finds, say what they are, and need no torch."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from torch import nn

from keypointgan.assemble import assemble_model, assemble_naming
from keypointgan.errors import ExportError, MissingExtraError
from keypointgan.inference import export as exporting
from keypointgan.inference.detector import Detector
from keypointgan.inference.export import OPSET, TOLERANCE, export_onnx
from keypointgan.models.keypointgan import Detection
from keypointgan.models.student import Backbone, Student
from keypointgan.settings import ModelConfig
from keypointgan.skeletons import Skeleton

pytest.importorskip("onnxruntime", reason="the extra 'export' is not installed")
pytest.importorskip("onnxscript", reason="the extra 'export' is not installed")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "onnx_runtime.py"
BLOCKED = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "keypointgan"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not {"torch", "keypointgan"} & sys.modules.keys()
"""


def make_detector(
    *, align_corners: bool = False, preset: str = "compact", width: int = 8
) -> Detector:
    """A detector with random weights whose keypoints depend on the frame."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        settings = ModelConfig.model_validate(
            {"skeleton": "h36m17", "preset": preset, "width": width, "sides": "apart"}
        )
        skeleton = Skeleton.load("h36m17")
        model = assemble_model(settings, skeleton, align_corners=align_corners).eval()
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
        model.regressor.out.weight.data *= 30
    return Detector(model, skeleton=skeleton, size=64, align_corners=align_corners)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return make_detector()


@pytest.fixture(scope="module")
def exported(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(detector, tmp_path_factory.mktemp("onnx") / "model.onnx").path


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["residual", "mobilenet_v2"])
def test_a_student_finds_the_same_as_an_onnx_file(tmp_path: Path, backbone: Backbone) -> None:
    """With random weights, for any number of frames: the place of the highest cell is exported.

    What names sides along a video is not.
    """
    import onnxruntime

    with torch.random.fork_rng():
        torch.manual_seed(0)
        naming = assemble_naming(Skeleton.load("h36m17"))
        student = Student(keypoints=17, width=4, backbone=backbone, naming=naming).eval()
        student.out.weight.data *= 100
        nn.init.normal_(student.error.weight, 0.0, 0.02)
    detector = Detector(student, skeleton=Skeleton.load("h36m17"), size=64)
    done = export_onnx(detector, tmp_path / "student.onnx")
    assert done.difference < TOLERANCE
    assert done.confidence_difference < 1e-4
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    frames = frames_of(5)
    keypoints, confidence = session.run(None, {"frames": frames})
    expected = detector.predict(frames)
    assert np.abs(keypoints - expected.xy).max() < TOLERANCE
    assert np.abs(confidence - expected.confidence).max() < 1e-4
    assert expected.xy.std(axis=0).mean() > 3, "its answers depend on the frame"


def frames_of(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), np.uint8)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_file_finds_what_the_detector_finds_for_any_number_of_frames(
    detector: Detector, exported: Path, count: int
) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    keypoints, confidence = session.run(None, {"frames": frames_of(count)})
    expected = detector.predict(frames_of(count))
    assert expected.xy.std(axis=0).max() > 0.5 or count == 1, "the frames must make a difference"
    np.testing.assert_allclose(keypoints, expected.xy, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(confidence, expected.confidence, atol=1e-3, rtol=0)


def test_a_release_checkpoint_keeps_its_coordinates(tmp_path: Path) -> None:
    """Its keypoints are converted to outer edges in the file too."""
    aligned = make_detector(align_corners=True, preset="release", width=2)
    assert export_onnx(aligned, tmp_path / "model.onnx").difference < TOLERANCE


def test_the_file_says_what_it_takes_and_gives(exported: Path, detector: Detector) -> None:
    import onnx

    model = onnx.load(exported)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert [entry.version for entry in model.opset_import if entry.domain == ""] == [OPSET]
    assert json.loads(about["joints"]) == list(detector.skeleton.joints)
    assert about["size"] == "64"
    assert about["colour_order"] == "RGB"
    assert "uint8" in about["input"]
    assert "outer edges are 0 and 64" in about["keypoints"]
    first = model.graph.input[0].type.tensor_type.shape.dim[0]
    assert first.dim_param == "batch"


def test_nothing_is_written_when_the_keypoints_differ(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shifted(nn.Module):
        """Finds other keypoints at every second call, as a wrong conversion would."""

        def __init__(self, model: nn.Module) -> None:
            super().__init__()
            self.model = model

        def detect(self, frame: torch.Tensor) -> Detection:
            found = self.model.detect(frame)
            shift = 0.0 if torch.compiler.is_compiling() else 0.02
            return Detection(found.keypoints + shift, found.confidence, found.skeleton_image)

    wrong = Detector(Shifted(detector.model), skeleton=detector.skeleton, size=64)
    with pytest.raises(ExportError, match=r"within 0\.01 pixels.*Nothing was written"):
        export_onnx(wrong, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_named(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"keypointgan\[export\]"):
        export_onnx(detector, tmp_path / "model.onnx")


def test_another_suffix_is_refused(detector: Detector, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"ends in \.onnx"):
        export_onnx(detector, tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("width", "height", "orientation"),
    [(64, 64, 1), (192, 256, 1), (150, 90, 1), (150, 90, 6)],  # the last by a turned camera
)
def test_the_example_needs_neither_torch_nor_this_package(
    detector: Detector, exported: Path, tmp_path: Path, width: int, height: int, orientation: int
) -> None:
    picture = tmp_path / "picture.png"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    values = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    large = Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)
    large.save(picture, exif=exif)
    result = subprocess.run(
        [sys.executable, "-c", BLOCKED, EXAMPLE, exported, picture],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    expected = detector.predict(picture)
    assert [row["joint"] for row in rows] == list(expected.joints)
    found = [[float(row["x"]), float(row["y"])] for row in rows]
    np.testing.assert_allclose(found, expected.xy[0], atol=0.01 * max(width, height) / 64, rtol=0)
