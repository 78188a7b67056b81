from pathlib import Path
from typing import Any

import pytest

from keypointgan.errors import SkeletonError
from keypointgan.skeletons import COLOURS, Skeleton, list_skeletons

STICK = """
name: stick
joints: [left_end, right_end, tip]
pairs: [[left_end, right_end]]
links:
  - [left_end, tip]
  - [right_end, tip]
  - [left_end, right_end]
  - [[left_end, right_end], tip]
colours: {left: "#010203"}
"""


def _changed(**values: Any) -> dict[str, Any]:
    return {"name": "bar", "joints": ["head", "tail"], "links": [["head", "tail"]]} | values


def test_joints_are_numbered_in_the_order_of_the_file() -> None:
    stick = Skeleton.from_yaml(STICK)
    assert stick.num_joints == 3
    assert stick.index_of("tip") == 2
    assert stick.links == (((0,), (2,)), ((1,), (2,)), ((0,), (1,)), ((0, 1), (2,)))


def test_a_mirror_exchanges_the_pairs() -> None:
    assert Skeleton.from_yaml(STICK).mirror == (1, 0, 2)


def test_joints_and_links_have_the_side_of_their_pair() -> None:
    """A link to the middle belongs to its side; across, and from the mean of both, it is middle."""
    stick = Skeleton.from_yaml(STICK)
    assert stick.joint_sides == ("left", "right", "middle")
    assert stick.link_sides == ("left", "right", "middle", "middle")
    assert stick.link_groups == (0, 1, 2, 2)


def test_colours_that_are_not_named_keep_their_defaults() -> None:
    colours = Skeleton.from_yaml(STICK).colours
    assert colours == {**COLOURS, "left": "#010203"}


def test_a_skeleton_survives_the_way_through_a_dictionary() -> None:
    stick = Skeleton.from_yaml(STICK)
    assert Skeleton.from_dict(stick.to_dict()) == stick


def test_a_skeleton_without_pairs_is_its_own_mirror() -> None:
    bar = Skeleton.from_dict(_changed())
    assert bar.mirror == (0, 1)
    assert bar.link_sides == ("middle",)


def test_a_file_of_the_users_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "stick.yaml"
    path.write_text(STICK, encoding="utf-8")
    assert Skeleton.load(path) == Skeleton.from_yaml(STICK)
    assert Skeleton.load(str(path)) == Skeleton.from_yaml(STICK)


def test_every_listed_skeleton_loads_under_its_name() -> None:
    assert [Skeleton.load(name).name for name in list_skeletons()] == list_skeletons()


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(SkeletonError, match=r"got 'h36m18'\. Did you mean 'h36m17'\?"):
        Skeleton.load("h36m18")


def test_a_path_without_a_file_lists_the_built_in_ones(tmp_path: Path) -> None:
    with pytest.raises(SkeletonError, match=r"h36m17.*path of a YAML file, got '.*none\.yaml'"):
        Skeleton.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "here: expected a YAML file"),
        ("- name", "here: expected a mapping with 'name', 'joints' and 'links'"),
        ("name: bar\njoints: [a]", "here: expected the key 'links'"),
    ],
)
def test_a_text_that_is_no_skeleton_is_refused(text: str, message: str) -> None:
    with pytest.raises(SkeletonError, match=message):
        Skeleton.from_yaml(text, where="here")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lnks": []}, "unknown key 'lnks'. Did you mean 'links'"),
        ({"joints": ["head", "tail", "head"]}, "more than once: head"),
        ({"links": [["haed", "tail"]]}, "'haed' is not among the joints. Did you mean 'head'"),
        ({"pairs": [["head", "foot"]]}, "'foot' is not among the joints"),
        ({"links": [["head"]]}, "'links' holds pairs, got .'head'."),
        ({"pairs": ["head"]}, "'pairs' holds pairs, got 'head'"),
        ({"colours": {"up": "#000000"}}, "left, right and middle, got 'up'"),
    ],
)
def test_what_is_wrong_in_a_skeleton_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SkeletonError, match=message):
        Skeleton.from_dict(_changed(**values))


def test_a_joint_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(SkeletonError, match=r"'stick' has no joint 'tipp'\. Did you mean 'tip'"):
        Skeleton.from_yaml(STICK).index_of("tipp")
