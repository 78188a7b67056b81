"""The built-in skeletons say what their data sets say."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.skeletons import Skeleton, list_skeletons

BUILT_IN = {
    "h36m17": 17,
    "h36m32": 32,
    "jhmdb15": 15,
    "penn13": 13,
    "coco17": 17,
    "face5": 5,
    "face68": 68,
    "cat9": 9,
    "fly13": 13,
}


def test_the_built_in_skeletons_are_these() -> None:
    assert set(list_skeletons()) >= set(BUILT_IN)


@pytest.mark.parametrize(("name", "joints"), BUILT_IN.items())
def test_a_built_in_skeleton_loads_and_says_where_it_comes_from(name: str, joints: int) -> None:
    skeleton = Skeleton.load(name)
    assert skeleton.name == name
    assert skeleton.num_joints == joints
    assert skeleton.description
    assert skeleton.source


@pytest.mark.parametrize("name", BUILT_IN)
def test_mirroring_twice_gives_the_same_joints(name: str) -> None:
    mirror = Skeleton.load(name).mirror
    assert [mirror[mirror[joint]] for joint in range(len(mirror))] == list(range(len(mirror)))


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_links_are_their_own_mirror_image(name: str) -> None:
    """Left and right are drawn alike: the mirrored set of links is the set itself."""
    skeleton = Skeleton.load(name)
    links = {frozenset(frozenset(end) for end in link) for link in skeleton.links}
    mirrored = {
        frozenset(frozenset(skeleton.mirror[joint] for joint in end) for end in link)
        for link in links
    }
    assert mirrored == links


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_link_joins_two_ends_among_the_joints(name: str) -> None:
    skeleton = Skeleton.load(name)
    for start, stop in skeleton.links:
        assert set(start) != set(stop)
        assert all(0 <= joint < skeleton.num_joints for joint in start + stop)


def test_paired_joints_differ_in_the_word_for_their_side_only() -> None:
    for name in ("h36m17", "h36m32", "jhmdb15", "penn13", "coco17", "fly13"):
        skeleton = Skeleton.load(name)
        for left, right in skeleton.pairs:
            renamed = skeleton.joints[left].replace("left_", "right_").replace("L", "R")
            renamed = f"r_{renamed[2:]}" if renamed.startswith("l_") else renamed
            assert renamed == skeleton.joints[right]


@pytest.mark.parametrize(
    ("landmark", "mirrored"),
    [(0, 16), (8, 8), (17, 26), (30, 30), (31, 35), (36, 45), (40, 47), (48, 54), (60, 64)],
)
def test_face_landmarks_mirror_as_in_300w(landmark: int, mirrored: int) -> None:
    assert Skeleton.load("face68").mirror[landmark] == mirrored


def test_the_mean_face_of_the_prior_is_nearly_symmetric(shared_data: Path) -> None:
    """The mean of 1,207 fitted faces and its mirror image: neighbours are 0.1 apart."""
    faces = np.load(shared_data / "faces_youtube" / "prior_landmarks68.npz")["xy"]
    low, high = faces.min(axis=1, keepdims=True), faces.max(axis=1, keepdims=True)
    mean = ((faces - (low + high) / 2) / (high - low)).mean(axis=0)
    mirrored = mean[list(Skeleton.load("face68").mirror)] * [-1, 1]
    np.testing.assert_allclose(mirrored, mean, atol=0.035)


def test_the_32_points_are_linked_as_in_the_release(shared_data: Path) -> None:
    links = np.load(shared_data / "release_parity" / "ops.npz")["links"]
    ours = [(start[0], stop[0]) for start, stop in Skeleton.load("h36m32").links]
    assert ours == [tuple(link) for link in links.tolist()]


def test_joint_names_are_those_of_the_data(shared_data: Path) -> None:
    for name, file in [
        ("h36m17", "humans_rendered/prior_same_rig_3d.npz"),
        ("penn13", "humans_jhmdb/prior_penn13.npz"),
    ]:
        assert Skeleton.load(name).joints == tuple(np.load(shared_data / file)["joints"])


def test_the_fly_has_the_nodes_and_edges_of_its_sleap_project(shared_data: Path) -> None:
    sleap_io = pytest.importorskip("sleap_io")
    labels = sleap_io.load_slp(
        str(shared_data / "flies" / "courtship_labels.slp"), open_videos=False
    )
    fly = Skeleton.load("fly13")
    assert list(fly.joints) == labels.skeletons[0].node_names
    links = [(start[0], stop[0]) for start, stop in fly.links]
    assert sorted(links) == sorted(map(tuple, labels.skeletons[0].edge_inds))
