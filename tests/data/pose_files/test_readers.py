"""Files that other programs wrote are read as they meant them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from keypointgan.data.boxes import read_boxes
from keypointgan.data.pose_files.files import read_instances
from keypointgan.data.pose_files.instances import Instances, to_tracks
from keypointgan.data.prior_readers import read_pose_file
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

SEVERAL = """\
scorer,net,net,net,net,net,net,net,net,net,net,net,net,net,net,net
individuals,a,a,a,a,a,a,b,b,b,b,b,b,single,single,single
bodyparts,snout,snout,snout,tail,tail,tail,snout,snout,snout,tail,tail,tail,corner,corner,corner
coords,x,y,likelihood,x,y,likelihood,x,y,likelihood,x,y,likelihood,x,y,likelihood
0,1.0,2.0,0.9,3.0,4.0,0.8,11.0,12.0,0.7,13.0,14.0,0.6,0,0,1
1,,,,3.5,4.5,0.8,11.5,12.5,0.7,,,,0,0,1
"""
LABELLED = """\
scorer,,,Anna,Anna,Anna,Anna
bodyparts,,,snout,snout,tail,tail
coords,,,x,y,x,y
labeled-data,mouse1,img0007.png,1.0,2.0,3.0,4.0
labeled-data,mouse2,img0002.png,5.0,6.0,,
labeled-data,mouse1,img0003.png,7.0,8.0,9.0,10.0
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_deeplabcut_predictions_of_several_animals(tmp_path: Path) -> None:
    instances = read_instances(write(tmp_path, "net.csv", SEVERAL))
    first, second = to_tracks(instances, where="net.csv")
    assert (first.name, second.name) == ("a", "b")
    assert instances.skeleton.joints == ("snout", "tail")
    assert_array_equal(first.xy[:, 1], [[3.5, 4.5], [4.0, 5.0]])
    assert np.isnan(first.xy[1, 0]).all()
    assert_array_equal(second.confidence, [[0.7, 0.6], [0.7, 0.0]])
    assert instances.notes == ("left out 'single': it has other body parts",)


def test_deeplabcut_hand_labels_of_two_videos(tmp_path: Path) -> None:
    """Frames are the numbers in the images' names; hand labels are sure."""
    tracks = to_tracks(read_instances(write(tmp_path, "CollectedData.csv", LABELLED)), where="")
    assert [track.video.name for track in tracks] == ["labeled-data/mouse1", "labeled-data/mouse2"]
    assert [len(track.xy) for track in tracks] == [8, 3]
    assert_array_equal(tracks[0].xy[7], [[1.5, 2.5], [3.5, 4.5]])
    assert_array_equal(np.flatnonzero(tracks[0].confidence.all(axis=1)), [3, 7])
    assert_array_equal(tracks[1].confidence[2], [1, 0])


def test_deeplabcut_h5_is_read_like_its_csv(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = write(tmp_path, "net.csv", SEVERAL)
    table = pandas.read_csv(path, header=[0, 1, 2, 3], index_col=0)
    table.to_hdf(tmp_path / "net.h5", key="df_with_missing", format="table")
    labels = pandas.read_csv(
        write(tmp_path, "labels.csv", LABELLED), header=[0, 1, 2], index_col=[0, 1, 2]
    )
    labels.to_hdf(tmp_path / "labels.h5", key="df_with_missing", mode="w")
    for text, binary in (("net.csv", "net.h5"), ("labels.csv", "labels.h5")):
        one, other = read_instances(tmp_path / text), read_instances(tmp_path / binary)
        assert_array_equal(one.xy, other.xy)
        assert_array_equal(one.confidence, other.confidence)
        assert_array_equal(one.frame, other.frame)
        assert (one.tracks, one.skeleton.joints) == (other.tracks, other.skeleton.joints)
        assert [video.name for video in one.videos[1:]] == [v.name for v in other.videos[1:]]


def make_coco(**changes: Any) -> dict[str, Any]:
    annotation = {"category_id": 1, "keypoints": [10, 20, 2, 30, 40, 1], "iscrowd": 0}
    return {
        "images": [
            {"id": 501, "file_name": "b.jpg", "width": 64, "height": 48},
            {"id": 300, "file_name": "a.jpg", "width": 64, "height": 48},
        ],
        "annotations": [
            {"id": 1, "image_id": 300, **annotation},
            {"id": 2, "image_id": 501, **annotation, "keypoints": [0, 0, 0, 5, 6, 2]},
            {"id": 3, "image_id": 300, **annotation, "keypoints": [0, 0, 0, 0, 0, 0]},
            {"id": 4, "image_id": 300, **annotation},
        ],
        "categories": [
            {"id": 1, "name": "person", "keypoints": ["nose", "neck"], "skeleton": [[1, 2]]},
            {"id": 2, "name": "chair"},
        ],
        **changes,
    }


def test_coco_without_identities_counts_people_in_each_image(tmp_path: Path) -> None:
    """Frames are the images in their order; visibility 1, occluded, is a place; 0 is none."""
    instances = read_instances(write(tmp_path, "coco.json", json.dumps(make_coco())))
    first, second = to_tracks(instances, where="")
    assert (first.name, second.name) == ("1", "2")
    assert (len(first.xy), first.video.size) == (2, (48, 64))
    assert_array_equal(first.xy[1], [[10.5, 20.5], [30.5, 40.5]])
    assert_array_equal(first.confidence, [[0, 1], [1, 1]])
    assert np.isnan(second.xy[0]).all()
    assert instances.skeleton.links == (((0,), (1,)),)


def test_coco_of_another_form_is_refused(tmp_path: Path) -> None:
    two = make_coco()["categories"][:1] * 2
    broken = make_coco()
    del broken["annotations"][0]["image_id"]
    for content, message in (
        ([{"image_id": 1, "keypoints": []}], "got a list. A list of results has no names"),
        ({"images": []}, "images, annotations and categories, got images"),
        (make_coco(categories=two), "one category with keypoints, got person, person"),
        (make_coco(categories=[]), "one category with keypoints, got none"),
        (broken, "KeyError: 'image_id'"),
    ):
        with pytest.raises(DataError, match=message):
            read_instances(write(tmp_path, "coco.json", json.dumps(content)))
    with pytest.raises(DataError, match="expected a JSON file"):
        read_instances(write(tmp_path, "coco.json", "{"))


def test_sleap_takes_a_persons_labels_before_a_networks(tmp_path: Path) -> None:
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(nodes=["a", "b"], edges=[("a", "b")])
    tracks = [sio.Track("one"), sio.Track("two")]
    video = sio.Video(filename="a.mp4", open_backend=False)

    def instance(value: float, track: Any, *, predicted: bool) -> Any:
        points = np.full((2, 2), value)
        if predicted:
            scored = np.column_stack([points, [0.5, 1.25]])
            return sio.PredictedInstance.from_numpy(scored, skeleton, score=1.0, track=track)
        return sio.Instance.from_numpy(points, skeleton, track=track)

    frame = sio.LabeledFrame(
        video=video,
        frame_idx=2,
        instances=[
            instance(10, tracks[0], predicted=False),
            instance(99, tracks[0], predicted=True),
            instance(20, tracks[1], predicted=True),
            instance(30, None, predicted=True),
        ],
    )
    sio.save_slp(sio.Labels([frame], tracks=tracks), str(tmp_path / "a.slp"), verbose=False)
    instances = read_instances(tmp_path / "a.slp")
    one, two = to_tracks(instances, where="")
    assert_array_equal(one.xy[2], np.full((2, 2), 10.5))
    assert_array_equal(one.confidence[2], [1, 1])
    assert_array_equal(two.confidence[2], [0.5, 1.0])  # a peak above 1 is as sure as can be
    assert instances.notes[0].startswith("left out 2 instances")


def test_left_comes_first_among_sleaps_symmetric_nodes(tmp_path: Path) -> None:
    sio = pytest.importorskip("sleap_io")
    names = ["wingR", "wingL", "r_ear", "l_ear", "eye1", "eye2", "RightPaw", "LeftPaw"]
    skeleton = sio.Skeleton(
        nodes=names,
        symmetries=[(names[index], names[index + 1]) for index in range(0, 8, 2)],
    )
    frame = sio.LabeledFrame(
        video=sio.Video(filename="a.mp4", open_backend=False),
        frame_idx=0,
        instances=[sio.Instance.from_numpy(np.zeros((8, 2)), skeleton)],
    )
    sio.save_slp(sio.Labels([frame]), str(tmp_path / "a.slp"), verbose=False)
    pairs = read_instances(tmp_path / "a.slp").skeleton.pairs
    assert sorted(pairs) == [(1, 0), (3, 2), (4, 5), (7, 6)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # sleap-io uses what NWB gave up
def test_nwb_of_sleap_io_is_read(tmp_path: Path) -> None:
    """It drops frames in which a node is missing and tells the times of the others."""
    sio = pytest.importorskip("sleap_io")
    from sleap_io.io.nwb_predictions import write_nwb

    array = np.random.default_rng(0).uniform(0, 1, (9, 2, 3, 3))
    array[3, 1], array[5, :, 2, :2] = np.nan, np.nan
    labels = sio.Labels.from_numpy(
        array,
        videos=[sio.Video(filename="a.mp4", open_backend=False)],
        skeletons=[sio.Skeleton(nodes=["a", "b", "c"], edges=[("a", "b")], name="abc")],
        tracks=[sio.Track("female"), sio.Track("male")],
        return_confidence=True,
    )
    write_nwb(labels, str(tmp_path / "a.nwb"))
    tracks = to_tracks(read_instances(tmp_path / "a.nwb"), where="")
    assert [track.name for track in tracks] == ["female", "male"]
    for index, track in enumerate(tracks):
        assert_allclose(track.xy, array[:, index, :, :2] + 0.5, atol=1e-4, rtol=0)


def test_our_csv_may_have_gaps_but_no_frame_twice(tmp_path: Path) -> None:
    head = "frame,a_x,a_y,a_confidence\n"
    path = write(tmp_path, "a.csv", head + "4,1,2,0.5\n2,3,4,\n")
    (track,) = to_tracks(read_instances(path), where=str(path))
    assert_array_equal(track.xy[:, 0, 0], [np.nan, np.nan, 3, np.nan, 1])
    assert_array_equal(track.confidence[:, 0], [0, 0, 1, 0, 0.5])
    path = write(tmp_path, "a.csv", head + "4,1,2,0.5\n4,3,4,1\n")
    with pytest.raises(DataError, match=r"a\.csv: expected one pose of the animal .* frame 4"):
        to_tracks(read_instances(path), where=str(path))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "frame,a_x,a_y,a_confidence\n0,1,2\n", r"line 2: expected 4 cells.* got 3"),
        ("a.csv", "frame,a_x,a_y,a_confidence\n0,1,x,1\n", "line 2: expected a number in column 3"),
        ("a.csv", "frame,a_x,a_y,a_confidence\n-1,1,2,1\n", "from 0 on, got -1"),
        ("a.csv", "frame,a_x,a_y,a_confidence\nzero,1,2,1\n", "the number of a frame"),
        ("a.csv", "frame,a_x,a_y,a_confidence\n0,1,2,7\n", "from 0 to 1, got 7 to 7"),
        ("a.csv", "scorer,net\nframes,1\n", "header lines.* got 'frames' in line 2"),
        ("a.csv", "scorer,net\ncoords,x\n0,1\n", "header line 'bodyparts'"),
        ("a.csv", "scorer,n,n\nbodyparts,a,a\ncoords,x,q\n0,1,1\n", "columns x and y for each"),
        ("a.csv", "scorer,n,n\nbodyparts,a,a\ncoords,x,y\nfirst,1,1\n", "got 'first'"),
        ("a.slp", "no project", "expected a SLEAP project"),
        ("a.h5", "no table", "expected a table that DeepLabCut wrote"),
        ("a.nwb", "no file", "expected an NWB file with poses"),
        ("a.json", "", "got an empty file"),
        ("a.json", "{}", "and categories, got nothing"),
        (
            "a.csv",
            "frame,a_x,a_y,a_confidence,b_x,b_confidence\n",
            "'b_y' in column 6, got 'b_conf",
        ),
        ("a.csv", "frame,a_x,a_y,a_confidence,b_x\n", "'b_y' in column 6, got nothing"),
        ("a.mat", "x", r"expected a file of poses .* got '\.mat'"),
    ],
)
def test_files_of_another_form_are_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    if name.endswith((".slp", ".h5", ".nwb")):
        pytest.importorskip("sleap_io")
    with pytest.raises(DataError, match=message):
        read_instances(write(tmp_path, name, text))


def test_points_at_infinity_are_missing_and_said_to_be(tmp_path: Path) -> None:
    text = "frame,a_x,a_y,a_confidence\n0,inf,2,0.5\n1,3,-inf,0.5\n2,nan,1,0.5\n3,4,5,0.5\n"
    instances = read_instances(write(tmp_path, "a.csv", text))
    assert_array_equal(np.isfinite(instances.xy[:, 0]).all(axis=1), [False] * 3 + [True])
    assert_array_equal(instances.confidence[:, 0], [0, 0, 0, 0.5])
    assert not np.isinf(instances.xy).any()
    assert instances.notes == ("took 2 points at infinity as missing",)


def test_other_bytes_than_text_and_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"frame,\xff\xfe\x00")
    with pytest.raises(DataError, match="expected text, got other bytes"):
        read_instances(tmp_path / "a.csv")
    with pytest.raises(DataError, match="found none"):
        read_instances(tmp_path / "nothing.slp")


def test_a_pose_beyond_the_end_of_its_video_is_refused() -> None:
    from keypointgan.data.pose_files.instances import FilmedSource

    row: Callable[[int], np.ndarray] = lambda value: np.array([value], np.int64)  # noqa: E731
    instances = Instances(
        xy=np.zeros((1, 1, 2)),
        confidence=np.ones((1, 1)),
        frame=row(9),
        track=row(0),
        video=row(0),
        skeleton=Skeleton("dot", ("dot",), ()),
        videos=(FilmedSource("a.mp4", frames=5),),
    )
    with pytest.raises(DataError, match=r"frames 0 to 4 of 'a\.mp4', got one of frame 9"):
        to_tracks(instances, where="a.slp")


def test_a_cell_that_is_no_number_is_named_by_its_line_and_column(tmp_path: Path) -> None:
    """Line 5 of the file, an empty one counted; the third cell."""
    text = "frame,a_x,a_y,a_confidence\n0,1,2,1\n\n1,3,4,1\n2,5,six,1\n"
    with pytest.raises(
        DataError, match=r"a\.csv, line 5: expected a number in column 3, got 'six'"
    ):
        read_instances(write(tmp_path, "a.csv", text))


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_of_another_country_is_told_in_a_few_words(
    sign: str, name: str, tmp_path: Path
) -> None:
    joints = [f"joint{number}_{axis}" for number in range(40) for axis in ("x", "y", "confidence")]
    path = write(tmp_path, "a.csv", sign.join(["frame", *joints]) + "\n")
    for read in (read_instances, read_pose_file, read_boxes):
        with pytest.raises(DataError, match=f"got cells parted by {name}: save it with") as error:
            read(path)
        assert len(str(error.value)) < len(str(path)) + 250
