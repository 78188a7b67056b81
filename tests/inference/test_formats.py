"""Poses come back from the files of other programs, and those programs read ours."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from keypointgan.errors import DataError, ExportError
from keypointgan.inference.formats import WRITERS, load_poses, save_poses
from keypointgan.inference.formats_movement import from_movement, to_movement
from keypointgan.inference.formats_sleap import HEAD_BYTES, INSTANCE_BYTES, POINT_BYTES
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import Skeleton

FLY = Skeleton.load("fly13")
HALF_A_TEN_THOUSANDTH = 5.1e-5
EXACT = {".npz", ".h5", ".slp", ".nwb"}
"""Formats that keep every digit; text has four decimals."""
KNOWS_THE_VIDEO = {".npz", ".slp", ".json", ".nwb"}
"""Formats that tell the video and its frame rate."""


def make_poses(*tracks: str, frames: int = 6, size: tuple[int, int] | None = (480, 640)) -> list:
    """Random poses of each track; nobody is in frames 0 and 5, one joint is lost in frame 2."""
    random = np.random.default_rng(len(tracks))
    every = []
    for track in tracks or ("",):
        xy = random.uniform(-20, 660, (frames, 13, 2))  # some outside of the image
        confidence = random.random((frames, 13))
        for lost in ((0,), (5,), (2, 3)):
            xy[lost], confidence[lost] = np.nan, 0.0
        every.append(
            Poses(xy, confidence, FLY, fps=25.0, source="two flies.mp4", track=track, size=size)
        )
    return every


def assert_same(again: list[Poses], poses: list[Poses], *, tolerance: float) -> None:
    assert [each.track for each in again] == [each.track for each in poses]
    for ours, theirs in zip(poses, again, strict=True):
        assert theirs.joints == ours.joints
        assert_allclose(theirs.xy, ours.xy, atol=tolerance, rtol=0)
        assert_allclose(theirs.confidence, ours.confidence, atol=tolerance, rtol=0)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("tracks", [(), ("nancy", "Bob, the second")])
def test_every_format_keeps_places_confidence_animals_and_frames(
    tmp_path: Path, suffix: str, tracks: tuple[str, ...]
) -> None:
    poses = make_poses(*tracks)
    path = tmp_path / f"größe 1{suffix}"
    save_poses(poses, path)
    again = load_poses(path)
    if suffix == ".nwb":  # HDF5 lists them by name
        poses = sorted(poses, key=lambda each: each.track)
    assert_same(again, poses, tolerance=1e-9 if suffix in EXACT else HALF_A_TEN_THOUSANDTH)
    if suffix in KNOWS_THE_VIDEO:
        assert {(each.source, each.fps, each.size) for each in again} == {
            ("two flies.mp4", 25.0, (480, 640))
        }
        assert again[0].skeleton.links == FLY.links


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_video_of_unknown_size_keeps_its_length(tmp_path: Path, suffix: str) -> None:
    save_poses(make_poses(size=None), tmp_path / f"poses{suffix}")
    (again,) = load_poses(tmp_path / f"poses{suffix}")
    assert (len(again), again.size) == (6, None)


def test_methods_write_what_their_names_say(tmp_path: Path) -> None:
    (poses,) = make_poses()
    writers: dict[str, Callable[[Path], None]] = {
        "ours.csv": poses.to_csv,
        "dlc.csv": poses.to_dlc,
        "dlc.h5": poses.to_dlc,
        "poses.slp": poses.to_slp,
        "poses.json": poses.to_coco,
        "poses.nwb": poses.to_nwb,
        "poses.npz": poses.save_npz,
        "saved.slp": poses.save,
    }
    for name, write in writers.items():
        write(tmp_path / name)
        again = Poses.load(tmp_path / name, skeleton=FLY, fps=25.0)
        assert_same([again], [poses], tolerance=HALF_A_TEN_THOUSANDTH)
        assert again.skeleton == FLY
        assert again.fps == 25.0


def test_the_middle_of_the_first_pixel_is_zero_for_the_others(tmp_path: Path) -> None:
    """Ours is (0.5, 0.5): the corner of the image is 0 here, -0.5 there."""
    sleap_io = pytest.importorskip("sleap_io")
    pandas = pytest.importorskip("pandas")
    pynwb = pytest.importorskip("pynwb")
    poses = Poses(np.full((1, 13, 2), 0.5), np.ones((1, 13)), FLY, fps=30.0, source="a.mp4")
    for suffix in (".slp", ".h5", ".dlc.csv", ".json", ".nwb"):
        save_poses(poses, tmp_path / f"poses{suffix}")
    labels = sleap_io.load_slp(str(tmp_path / "poses.slp"), open_videos=False)
    assert_array_equal(labels[0].instances[0].numpy(), np.zeros((13, 2)))
    table = pandas.read_hdf(tmp_path / "poses.h5")
    assert_array_equal(table.to_numpy().reshape(13, 3), [[0.0, 0.0, 1.0]] * 13)
    line = (tmp_path / "poses.dlc.csv").read_text().splitlines()[3]
    assert line.startswith("0,0.0000,0.0000,1.0000,")
    content = json.loads((tmp_path / "poses.json").read_text())
    assert content["annotations"][0]["keypoints"][:3] == [0, 0, 2]
    assert content["annotations"][0]["bbox"] == [0.5, 0.5, 0, 0]  # boxes count from the corner
    with pynwb.NWBHDF5IO(tmp_path / "poses.nwb", mode="r", load_namespaces=True) as file:
        found = file.read().processing["behavior"]["PoseEstimation"]
        assert_array_equal(found["head"].data[:], [[0.0, 0.0]])
    dataset = to_movement([poses])
    assert_array_equal(dataset["position"].to_numpy(), np.zeros((1, 2, 13, 1)))


def test_deeplabcut_finds_its_header_and_a_row_for_each_frame(tmp_path: Path) -> None:
    """Opened as DeepLabCut does: four header rows and the frame as index, of several animals."""
    pandas = pytest.importorskip("pandas")
    poses = make_poses("female", "male")
    save_poses(poses, tmp_path / "poses.dlc.csv")
    save_poses(poses, tmp_path / "poses.h5")
    text = pandas.read_csv(tmp_path / "poses.dlc.csv", header=[0, 1, 2, 3], index_col=0)
    table = pandas.read_hdf(tmp_path / "poses.h5", "df_with_missing")
    for found in (text, table):
        assert list(found.columns.names) == ["scorer", "individuals", "bodyparts", "coords"]
        assert found.index.tolist() == list(range(6))
        male = found["keypointgan"]["male"]["eyeL"]
        place = FLY.index_of("eyeL")
        assert_allclose(male[["x", "y"]], poses[1].xy[:, place] - 0.5, atol=1e-4, rtol=0)
        assert_allclose(male["likelihood"], poses[1].confidence[:, place], atol=1e-4, rtol=0)
    single = make_poses()
    save_poses(single, tmp_path / "single.h5")
    columns = pandas.read_hdf(tmp_path / "single.h5").columns
    assert list(columns.names) == ["scorer", "bodyparts", "coords"]


def test_sleap_reads_scores_tracks_links_and_mirror_pairs(tmp_path: Path) -> None:
    sleap_io = pytest.importorskip("sleap_io")
    poses = make_poses("female", "male")
    save_poses(poses, tmp_path / "poses.slp")
    labels = sleap_io.load_slp(str(tmp_path / "poses.slp"), open_videos=False)
    assert [track.name for track in labels.tracks] == ["female", "male"]
    assert tuple(labels.video.shape) == (6, 480, 640, 3)
    assert labels.skeleton.node_names == list(FLY.joints)
    assert labels.skeleton.edge_inds == [(start[0], stop[0]) for start, stop in FLY.links]
    assert len(labels.skeleton.symmetries) == len(FLY.pairs)
    found = labels.numpy(return_confidence=True)
    assert found.shape == (6, 2, 13, 3)
    assert_allclose(found[:, 1, :, :2], poses[1].xy - 0.5, atol=1e-4, rtol=0)
    assert_allclose(found[1, 1, :, 2], poses[1].confidence[1], atol=1e-6, rtol=0)
    assert np.isnan(found[[0, 5]]).all()


def test_sleap_io_reads_our_coco_and_deeplabcut_files(tmp_path: Path) -> None:
    sleap_io = pytest.importorskip("sleap_io")
    poses = make_poses("female", "male")
    save_poses(poses, tmp_path / "poses.json")
    from PIL import Image

    for frame in range(6):  # sleap-io wants the images to be there
        Image.new("L", (640, 480)).save(tmp_path / f"two flies_frame_{frame:06d}.png")
    labels = sleap_io.load_coco(str(tmp_path / "poses.json"), dataset_root=str(tmp_path))
    assert labels.skeleton.node_names == list(FLY.joints)
    frame = next(each for each in labels if len(each.instances) == 2)
    assert_allclose(frame.instances[1].numpy(), poses[1].xy[1] - 0.5, atol=1e-3, rtol=0)


def test_a_project_of_two_videos_keeps_them_apart(tmp_path: Path) -> None:
    pytest.importorskip("sleap_io")
    first, second = make_poses("female"), make_poses("female", frames=9)
    other = Poses(second[0].xy, second[0].confidence, FLY, source="b.mp4", track="female")
    save_poses([*first, other], tmp_path / "both.slp")
    again = load_poses(tmp_path / "both.slp")
    assert [(each.source, len(each)) for each in again] == [("two flies.mp4", 6), ("b.mp4", 9)]
    assert_same(again, [*first, other], tolerance=1e-9)
    with pytest.raises(ExportError, match=r"poses of one video, got 2 .*Only SLEAP projects"):
        save_poses(again, tmp_path / "both.csv")


def test_movement_takes_our_data_set_and_gives_it_back() -> None:
    pytest.importorskip("xarray")
    poses = make_poses("female", "male")
    dataset = to_movement(poses)
    assert dict(dataset.sizes) == {"time": 6, "space": 2, "keypoints": 13, "individuals": 2}
    assert dataset.attrs["fps"] == 25.0
    assert_allclose(dataset["time"], np.arange(6) / 25)
    chosen = dataset["position"].sel(individuals="male", keypoints="head", space="y")
    assert_allclose(chosen, poses[1].xy[:, 0, 1] - 0.5)
    assert_same(from_movement(dataset, skeleton=FLY), poses, tolerance=1e-9)
    assert_same(from_movement(poses[0].to_movement()), poses[:1], tolerance=1e-9)
    with pytest.raises(DataError, match="data set of movement"):
        from_movement(dataset.drop_vars("position"))
    with pytest.raises(DataError, match="joints of 'h36m17'"):
        from_movement(dataset, skeleton=Skeleton.load("h36m17"))


def test_movement_itself_validates_and_reads_our_files(tmp_path: Path) -> None:
    movement = pytest.importorskip("movement.io", reason="movement is not installed")
    from movement.validators.datasets import ValidPosesInputs

    poses = make_poses("female", "male")
    ValidPosesInputs.validate(to_movement(poses))
    for suffix, software in ((".h5", "DeepLabCut"), (".dlc.csv", "DeepLabCut"), (".slp", "SLEAP")):
        path = tmp_path / f"poses{suffix}"
        save_poses(poses, path)
        dataset = movement.load_dataset(path, source_software=software, fps=25.0)
        assert_allclose(
            dataset["position"].transpose(*to_movement(poses)["position"].dims),
            to_movement(poses)["position"],
            atol=1e-3,
        )
    save_poses(make_poses(), tmp_path / "one.nwb")
    dataset = movement.load_dataset(tmp_path / "one.nwb", source_software="NWB")
    assert_allclose(
        dataset["position"].sel(keypoints="eyeR").squeeze(), make_poses()[0].xy[:, -1] - 0.5
    )


def test_real_tracks_pass_through_every_format(tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("sleap_io")
    poses = [
        Poses(each.xy[:200], each.confidence[:200], each.skeleton, 30.0, each.source, each.track)
        for each in load_poses(shared_data / "flies" / "clip.slp", skeleton=FLY)
    ]
    assert [each.track for each in poses] == ["female", "male"]
    for suffix in WRITERS:
        save_poses(poses, tmp_path / f"flies{suffix}")
        assert_same(
            load_poses(tmp_path / f"flies{suffix}"),
            poses,
            tolerance=1e-9 if suffix in EXACT else HALF_A_TEN_THOUSANDTH,
        )


def test_the_scores_of_a_real_project_are_kept_up_to_one(shared_data: Path) -> None:
    sleap_io = pytest.importorskip("sleap_io")
    project = shared_data / "flies" / "predictions.slp"
    poses = load_poses(project)
    theirs = sleap_io.load_slp(str(project), open_videos=False).numpy(return_confidence=True)
    assert [each.track for each in poses] == ["track_0", "track_1"]
    for index, each in enumerate(poses):
        assert_allclose(each.xy, theirs[:, index, :, :2] + 0.5, atol=1e-4, rtol=0)
        missing = np.isnan(theirs[:, index, :, 0])
        scores = np.where(missing, 0, theirs[:, index, :, 2].clip(0, 1))
        assert_allclose(each.confidence, scores, atol=1e-6, rtol=0)


def test_one_animal_of_several_is_chosen_by_name(tmp_path: Path) -> None:
    poses = make_poses("female", "male")
    save_poses(poses, tmp_path / "poses.csv")
    assert_same([Poses.load(tmp_path / "poses.csv", track="male")], poses[1:], tolerance=1e-4)
    with pytest.raises(DataError, match=r"got 'female', 'male'\. Choose one with track="):
        Poses.load(tmp_path / "poses.csv")
    with pytest.raises(DataError, match="expected one animal 'child'"):
        Poses.load(tmp_path / "poses.csv", track="child")


def test_joints_that_a_file_lacks_are_named_or_left_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    axis = Skeleton("axis", ("head", "thorax", "tail", "snout"), (((0,), (1,)),))
    (poses,) = make_poses()
    save_poses(poses, tmp_path / "poses.csv")
    with pytest.raises(DataError, match="tail, snout are not among the file's: head"):
        Poses.load(tmp_path / "poses.csv", skeleton=axis)
    with caplog.at_level(logging.WARNING):
        again = Poses.load(
            tmp_path / "poses.csv", skeleton=axis, joint_map={"tail": "abdomen"}, partial=True
        )
    assert "joints that the file lacks are empty: snout" in caplog.text
    assert "left out joints that 'axis' lacks: wingL, wingR" in caplog.text
    assert_allclose(again.xy[:, :3], poses.xy[:, [0, 1, 2]], atol=1e-4, rtol=0)
    assert np.isnan(again.xy[:, 3]).all()
    assert not again.confidence[:, 3].any()


def test_npz_keeps_what_was_before_smoothing(tmp_path: Path) -> None:
    poses = [
        Poses(each.xy, each.confidence, FLY, track=each.track, raw=each.xy + 1)
        for each in make_poses("female", "male")
    ]
    for every in (poses, poses[:1]):
        save_poses(every, tmp_path / "poses.npz")
        for ours, theirs in zip(every, load_poses(tmp_path / "poses.npz"), strict=True):
            assert theirs.raw is not None
            assert_array_equal(theirs.raw, ours.raw)


def test_animals_that_do_not_belong_in_one_file_are_refused(tmp_path: Path) -> None:
    first, second = make_poses("female", "male")
    unnamed = make_poses()[0]
    for every, message in (
        ([], "at least one animal"),
        ([first, first], "a name of its own for each animal"),
        ([unnamed, second], "a name of its own for each animal"),
        ([first, make_poses("male", frames=9)[0]], r"as many frames of each animal, got \[6, 9\]"),
        (
            [first, Poses(np.zeros((6, 17, 2)), np.ones((6, 17)), Skeleton.load("h36m17"))],
            "the same joints",
        ),
    ):
        with pytest.raises(ExportError, match=message):
            save_poses(every, tmp_path / "poses.csv")


def test_nwb_asks_for_the_frame_rate(tmp_path: Path) -> None:
    pytest.importorskip("ndx_pose")
    poses = Poses(np.zeros((2, 13, 2)), np.ones((2, 13)), FLY)
    with pytest.raises(ExportError, match="frames a second, which NWB needs"):
        save_poses(poses, tmp_path / "poses.nwb")


@pytest.mark.parametrize("suffix", list(WRITERS))
def test_a_file_that_does_not_fit_is_told_in_one_line_and_leaves_the_one_before(
    suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A limit on the size of files stands for a disk that fills up while the file is written."""
    resource = pytest.importorskip("resource")
    path = tmp_path / f"poses{suffix}"
    path.write_text("the one before")
    long = make_poses("Ada", frames=4000)
    save_poses(make_poses("Ada"), tmp_path / f"first{suffix}")  # loads what the format needs
    (tmp_path / f"first{suffix}").unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(ExportError) as error:
            save_poses(long, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(error.value) == f"{path}: cannot be written (File too large)."
    del error
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "the one before"
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("frames", [1, 3000])
def test_the_room_asked_for_holds_a_sleap_project(frames: int, tmp_path: Path) -> None:
    poses = make_poses("Ada", "Bob", frames=frames + 5)
    save_poses(poses, tmp_path / "poses.slp")
    taken = (tmp_path / "poses.slp").stat().st_size
    asked = HEAD_BYTES + 2 * (frames + 5) * (POINT_BYTES * 13 + INSTANCE_BYTES)
    assert taken < asked
