"""Where the keypoints land in the user's own pixels, whatever was cropped and resized."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image

from keypointgan.assemble import assemble_model
from keypointgan.checkpoint import save_checkpoint
from keypointgan.data.video import write_video
from keypointgan.errors import CheckpointError, ConfigError, DataError, VideoError
from keypointgan.inference.detector import Detector
from keypointgan.inference.poses import Poses
from keypointgan.models.keypointgan import Detection
from keypointgan.models.naming import Naming
from keypointgan.models.plausibility import Plausibility
from keypointgan.models.student import Student
from keypointgan.ops.heatmaps import PEAKS
from keypointgan.ops.keypoints import to_pixels
from keypointgan.recipe import load_config
from keypointgan.skeletons import Skeleton

STICK = Skeleton(
    name="stick",
    joints=("middle", "left_end", "right_end"),
    links=(((0,), (1,)), ((0,), (2,))),
    pairs=((1, 2),),
)


class BlobFinder:
    """Finds the centre of the red, green and blue light: exact, and it knows left from right."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, frame: torch.Tensor) -> Detection:
        self.shapes.append(tuple(frame.shape))
        light = ((frame + 1) / 2 - 0.03).clamp(min=1e-12)  # without the noise of compression
        weights = light / light.sum(dim=(-2, -1), keepdim=True)
        size = frame.shape[-1]
        places = (torch.arange(size, device=frame.device) * 2 + 1) / size - 1
        x = (weights.sum(dim=-2) * places).sum(-1)
        y = (weights.sum(dim=-1) * places).sum(-1)
        return Detection(torch.stack([x, y], dim=-1), torch.full(x.shape, 0.75), frame)


def make_frames(centres: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Black frames with a soft red, green and blue blob around each (frame, 3, 2) centre."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    frames = np.zeros((len(centres), height, width, 3))
    for frame, points in zip(frames, centres, strict=True):
        for channel, (x, y) in enumerate(points):
            frame[..., channel] = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 5.0**2))
    return (frames * 255).round().astype(np.uint8)


CENTRES = np.array([[[80.0, 55.0], [60.0, 40.0], [110.0, 70.0]]] * 5) + np.arange(5)[:, None, None]


@pytest.fixture
def detector() -> Detector:
    return Detector(BlobFinder(), skeleton=STICK, size=32)


@pytest.fixture
def frames() -> np.ndarray:
    return make_frames(CENTRES, height=120, width=180)


def test_keypoints_come_back_in_pixels_of_the_frame(detector: Detector, frames: np.ndarray) -> None:
    poses = detector.predict(frames)
    assert_allclose(poses.xy, CENTRES, atol=0.1)
    assert_allclose(poses.confidence, 0.75)
    assert poses.fps is None


def test_a_box_changes_what_is_seen_but_not_where_it_is(
    detector: Detector, frames: np.ndarray
) -> None:
    """Wide, high, fractional and beyond the border: always the same pixels."""
    boxes = np.array(
        [
            [30.0, 20.0, 145.0, 90.0],
            [25.5, -20.25, 145.5, 110.0],
            [35.0, 10.0, 140.0, 119.0],
            [0.0, 0.0, 180.0, 120.0],
            [33.3, 0.0, 149.7, 125.0],
        ]
    )
    assert_allclose(detector.predict(frames, boxes=boxes).xy, CENTRES, atol=0.25)


def test_a_nan_box_gives_a_nan_pose_without_confidence(
    detector: Detector, frames: np.ndarray
) -> None:
    boxes = np.tile([30.0, 0.0, 150.0, 120.0], (5, 1))
    boxes[[0, 3]] = np.nan
    poses = detector.predict(frames, boxes=boxes, batch_size=1)
    assert np.isnan(poses.xy[[0, 3]]).all()
    assert (poses.confidence[[0, 3]] == 0).all()
    assert_allclose(poses.xy[[1, 2, 4]], CENTRES[[1, 2, 4]], atol=0.1)


def test_the_batch_size_changes_nothing(detector: Detector, frames: np.ndarray) -> None:
    whole, in_twos = detector.predict(frames), detector.predict(frames, batch_size=2)
    assert_allclose(in_twos.xy, whole.xy)
    model = detector.model
    assert isinstance(model, BlobFinder)
    assert [shape[0] for shape in model.shapes] == [5, 2, 2, 1]


def test_batches_come_one_by_one(detector: Detector, frames: np.ndarray) -> None:
    batches = detector.predict_batches(frames, batch_size=3)
    assert [len(animal) for animal in next(batches)] == [3]
    model = detector.model
    assert isinstance(model, BlobFinder)
    assert len(model.shapes) == 1
    assert [len(animal) for (animal,) in batches] == [2]


def test_the_mirrored_frame_is_averaged_with_sides_exchanged_where_that_is_nearer(
    frames: np.ndarray,
) -> None:
    """The blobs keep their colours in the mirror, so names must *not* be exchanged for them."""
    poses = Detector(BlobFinder(), skeleton=STICK, size=32).predict(frames, flip_average=True)
    assert_allclose(poses.xy, CENTRES, atol=0.1)

    class SideFinder(BlobFinder):
        """Calls the blob further left `left_end`, as a model of people seen from behind would."""

        def detect(self, frame: torch.Tensor) -> Detection:
            points = super().detect(frame).keypoints
            ends = points[:, 1:]
            order = ends[..., 0].argsort(dim=1)[..., None].expand(-1, -1, 2)
            points = torch.cat([points[:, :1], ends.gather(1, order)], dim=1)
            return Detection(points, torch.full(points.shape[:2], 0.5), frame)

    poses = Detector(SideFinder(), skeleton=STICK, size=32).predict(frames, flip_average=True)
    assert_allclose(poses.xy, CENTRES, atol=0.1)


class Doubtful(Student):
    """Finds the blobs, but calls the left end the right one where the middle is far down.

    Args:
        naming: What names them: the prior has the left end on the left.
    """

    def __init__(self, naming: Naming | None) -> None:
        super().__init__(keypoints=3, width=4, naming=naming)
        self.finder = BlobFinder()

    def detect(self, frame: torch.Tensor) -> Detection:
        found = self.finder.detect(frame)
        points = found.keypoints
        mistaken = points[:, 0, 1] > 0
        points = torch.where(mistaken[:, None, None], points[:, [0, 2, 1]], points)
        evidence = torch.where(mistaken, 1.0, 3.0)[:, None].expand(-1, 3)
        sure = torch.tensor([0.3, 0.6, 0.9]).expand(len(frame), 3)
        return Detection(points, sure, None, None if self.naming is None else evidence)


@pytest.fixture
def doubtful() -> Detector:
    naming = Naming(Plausibility(keypoints=3, width=4), STICK.mirror)
    for weight in naming.plausibility.parameters():
        weight.zero_()  # the frames alone speak
    return Detector(Doubtful(naming).eval(), skeleton=STICK, size=32)


LOWER = CENTRES + np.array([0, 3.0]) * np.arange(5)[:, None, None]
"""The middle crosses that of the frame (60) after two frames."""


def test_sides_are_named_in_videos_but_not_in_images(doubtful: Detector, tmp_path: Path) -> None:
    frames = make_frames(LOWER, height=120, width=180)
    write_video(tmp_path / "blobs.mp4", frames, 25.0)
    mistaken = LOWER[:, [0, 2, 1]]
    read = np.where((LOWER[:, 0, 1] > 60)[:, None, None], mistaken, LOWER)
    video = tmp_path / "blobs.mp4"
    for batch_size in (1, 64):
        named = doubtful.predict(video, batch_size=batch_size)
        assert_allclose(named.xy, LOWER, atol=1.0)
        assert_allclose(named.confidence[[0, 4]], [[0.3, 0.6, 0.9], [0.3, 0.9, 0.6]])
    assert_allclose(doubtful.predict(video, name_sides=False).xy, read, atol=1.0)
    assert_allclose(doubtful.predict(frames).xy, read, atol=0.1)
    assert_allclose(doubtful.predict(frames, name_sides=True).xy, LOWER, atol=0.1)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    assert_allclose(doubtful.predict(tmp_path / "*.png").xy, read, atol=0.1)


class Jumping(Student):
    """Reads the ends where they are not in the third frame, a little surer there than here."""

    def __init__(self) -> None:
        naming = Naming(Plausibility(keypoints=3, width=4), STICK.mirror)
        super().__init__(keypoints=3, width=4, naming=naming)
        for weight in naming.plausibility.parameters():
            weight.zero_()  # the frames alone speak
        self.finder = BlobFinder()

    def detect(self, frame: torch.Tensor) -> Detection:
        points = self.finder.detect(frame).keypoints
        jumps = ((points[:, 0, 1] * 60 + 60 - LOWER[2, 0, 1]).abs() < 1)[:, None, None]
        points = torch.where(jumps, points - torch.tensor([0.0, 0.4]), points)
        back = torch.where(jumps, points + torch.tensor([0.0, 0.4]), points - 0.4)
        nats = torch.where(jumps, -0.5, -5.0).expand(-1, 3, 1)
        peaks = torch.stack([torch.cat([points, 0 * nats], -1), torch.cat([back, nats], -1)], dim=2)
        missing = torch.cat([points, nats * torch.inf], -1)[:, :, None].expand(-1, -1, PEAKS - 2, 3)
        half = torch.full(points.shape[:2], 0.5)
        return Detection(points, half, None, 6 * half, torch.cat([peaks, missing], dim=2))


def test_joints_stay_on_their_tracks_in_videos(tmp_path: Path) -> None:
    """Whatever the batches; in single frames they are where they seem to be."""
    write_video(tmp_path / "blobs.mp4", make_frames(LOWER, height=120, width=180), 25.0)
    jumping = Detector(Jumping().eval(), skeleton=STICK, size=32)
    read = LOWER - np.array([0.0, 24.0]) * (np.arange(5) == 2)[:, None, None]
    found = jumping.predict(tmp_path / "blobs.mp4", name_sides=False)
    assert found.peaks is not None
    assert_allclose(found.xy, read, atol=1.5)
    for batch_size in (1, 2, 64):
        assert_allclose(
            jumping.predict(tmp_path / "blobs.mp4", batch_size=batch_size).xy, LOWER, atol=1.5
        )
    both = jumping.predict(tmp_path / "blobs.mp4", flip_average=True, name_sides=False)
    assert both.peaks is None


def test_evidence_of_one_view_counts_twice_and_that_of_both_together(doubtful: Detector) -> None:
    """Blobs keep their colours in the mirror image: what it says of the sides is against it."""
    frames = make_frames(LOWER[:1], height=120, width=180)
    once, both = (doubtful.predict(frames, flip_average=flip).evidence for flip in (False, True))
    assert once is not None
    assert both is not None
    assert_allclose(once, np.full((1, 3), 6.0))
    assert_allclose(both, np.zeros((1, 3)))


def test_a_model_that_has_not_learnt_it_names_no_sides(
    detector: Detector, frames: np.ndarray, tmp_path: Path
) -> None:
    write_video(tmp_path / "blobs.mp4", frames, 25.0)
    for each in (detector, Detector(Doubtful(None).eval(), skeleton=STICK, size=32)):
        assert each.predict(tmp_path / "blobs.mp4").evidence is None
        with pytest.raises(ConfigError, match="Expected a model that can name left and right"):
            each.predict(frames, name_sides=True)


def test_keypoints_of_aligned_corners_are_brought_into_our_coordinates() -> None:
    """At -1 and +1 the release means the centres of the outer pixels of 8: 0.5 and 7.5."""

    class Corners:
        def detect(self, frame: torch.Tensor) -> Detection:
            points = torch.tensor([[[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]])
            return Detection(points.expand(len(frame), 3, 2), torch.ones(len(frame), 3), frame)

    detector = Detector(Corners(), skeleton=STICK, size=8, align_corners=True)
    poses = detector.predict(np.zeros((1, 8, 8, 3), np.uint8))
    assert_allclose(poses.xy[0], [[0.5, 0.5], [7.5, 7.5], [4.0, 4.0]], atol=1e-6)


def test_a_video_an_image_a_folder_and_a_pattern_are_read(
    detector: Detector, frames: np.ndarray, tmp_path: Path
) -> None:
    write_video(tmp_path / "blobs.mp4", frames, 12.5)
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in zip((1, 2, 3, 10, 11), frames, strict=True):
        Image.fromarray(frame).save(folder / f"{number}.png")
    video = detector.predict(tmp_path / "blobs.mp4")
    assert (video.fps, Path(video.source).name) == (12.5, "blobs.mp4")
    assert_allclose(video.xy, CENTRES, atol=1.0)
    for source in (folder, f"{folder}/*.png"):
        assert_allclose(detector.predict(source).xy, CENTRES, atol=0.1)
    one = detector.predict(str(folder / "10.png"))
    assert_allclose(one.xy, CENTRES[3:4], atol=0.1)


def test_images_of_a_pattern_may_differ_in_size(detector: Detector, tmp_path: Path) -> None:
    for number, (height, width) in enumerate([(120, 180), (150, 160)]):
        frame = make_frames(CENTRES[:1], height=height, width=width)[0]
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    poses = detector.predict(tmp_path / "*.png")
    assert_allclose(poses.xy, CENTRES[[0, 0]], atol=0.1)


def test_no_frames_give_no_poses(detector: Detector) -> None:
    assert len(detector.predict(np.zeros((0, 20, 20, 3), np.uint8))) == 0


def test_progress_is_told_after_each_batch(detector: Detector, frames: np.ndarray) -> None:
    told: list[tuple[int, int]] = []
    detector.predict(frames, batch_size=2, progress=lambda done, all_: told.append((done, all_)))
    assert told == [(2, 5), (4, 5), (5, 5)]


class Linear(BlobFinder):
    """Multiplies by one, which autocast does in the precision asked for."""

    def detect(self, frame: torch.Tensor) -> Detection:
        found = super().detect(frame)
        return Detection(found.keypoints @ torch.eye(2), found.confidence, frame)


def test_bfloat16_is_close(frames: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keypointgan.inference.detector.has_bfloat16", lambda device: True)
    poses = Detector(Linear(), skeleton=STICK, size=32).predict(frames, bfloat16=True)
    assert_allclose(poses.xy, CENTRES, atol=1.0)
    assert np.abs(poses.xy - CENTRES).max() > 1e-3


def test_a_cpu_without_bfloat16_computes_in_float32_and_says_so(
    frames: np.ndarray, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("keypointgan.inference.detector.has_bfloat16", lambda device: False)
    detector = Detector(Linear(), skeleton=STICK, size=32)
    poses = detector.predict(frames, bfloat16=True)
    assert [record.message[:28] for record in caplog.records] == ["This CPU has no bfloat16 uni"]
    assert_allclose(poses.xy, detector.predict(frames).xy, atol=0)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((5, 3)), r"shape \(frame, 4\)"),
        (np.tile([0.0, 0.0, 9.0, 9.0], (4, 1)), "each of 5 frames, got 4"),
        (np.tile([10.0, 10.0, 5.0, 20.0], (5, 1)), "x0 < x1"),
        (np.tile([500.0, 10.0, 600.0, 20.0], (5, 1)), "inside a frame of 180×120"),
    ],
)
def test_boxes_that_do_not_fit_are_refused(
    detector: Detector, frames: np.ndarray, boxes: np.ndarray, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        detector.predict(frames, boxes=boxes)


@pytest.mark.parametrize(("count", "message"), [(4, "more frames"), (6, "each of 5 frames, got 6")])
def test_boxes_of_another_video_are_refused(
    detector: Detector, frames: np.ndarray, tmp_path: Path, count: int, message: str
) -> None:
    write_video(tmp_path / "blobs.mp4", frames, 25)
    boxes = np.tile([30.0, 0.0, 150.0, 120.0], (count, 1))
    with pytest.raises(DataError, match=message):
        detector.predict(tmp_path / "blobs.mp4", boxes=boxes)


def test_sources_that_are_none_are_refused(detector: Detector, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"got float64 \(5, 4, 4, 3\)"):
        detector.predict(np.zeros((5, 4, 4, 3)))
    with pytest.raises(VideoError, match="no such file"):
        detector.predict(tmp_path / "none.mp4")
    with pytest.raises(VideoError, match=r"matches images .*, found none among its 0 entries"):
        detector.predict(tmp_path / "*.png")


def test_a_device_or_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got 'gpu'"):
        Detector.load(tmp_path, device="gpu")
    with pytest.raises(CheckpointError):
        Detector.load(tmp_path / "run")


def test_a_saved_model_is_loaded_and_says_what_it_says_without_a_detector(
    tmp_path: Path, generator: torch.Generator
) -> None:
    config = load_config(overrides=["model.preset=compact", "model.width=4", "data.size=64"])
    skeleton = Skeleton.load("h36m17")
    model = assemble_model(config.model, skeleton)
    folder = tmp_path / "checkpoint"
    save_checkpoint(folder, model, config=config, skeleton=skeleton, step=1, metrics={})
    frames = torch.randint(256, (3, 64, 64, 3), dtype=torch.uint8, generator=generator)
    poses = Detector.load(folder, device="cpu").predict(frames.numpy())
    with torch.no_grad():
        expected = model.eval().detect(frames.permute(0, 3, 1, 2) / 127.5 - 1)
    assert_allclose(poses.xy, to_pixels(expected.keypoints, size=(64, 64)), atol=1e-4)
    assert_allclose(poses.confidence, expected.confidence, atol=1e-5)
    assert poses.joints == skeleton.joints


def test_poses_carry_the_skeleton(detector: Detector, frames: np.ndarray) -> None:
    poses = detector.predict(frames)
    assert isinstance(poses, Poses)
    assert poses.joints == STICK.joints
