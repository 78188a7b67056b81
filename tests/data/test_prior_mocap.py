"""Forward kinematics of motion capture against answers worked by hand."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keypointgan.data.prior_acclaim import find_body, read_amc
from keypointgan.data.prior_bvh import read_bvh
from keypointgan.data.prior_files import read_poses
from keypointgan.data.prior_mocap import axis_rotation
from keypointgan.errors import PriorError
from keypointgan.skeletons import Skeleton

BVH = """\
HIERARCHY
ROOT Hips
{
  OFFSET 0.0 1.0 0.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 5 0
    }
  }
  JOINT Tail
  {
    OFFSET 9 9 9
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  }
}
MOTION
Frames: 2
Frame Time: 0.0083333
0 0 0  0 0 0   0 0 0   1 0 0  0 0 0
1 2 3  90 0 0  90 90 0  0 2 0  0 0 0
"""
ASF = """\
# a comment
:version 1.10
:units
  mass 1.0
  length 0.0254
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper
     direction 1 0 0
     length 2
     axis 0 0 0 XYZ
     dof rx ry rz
     limits (-160.0 20.0)
            (-70.0 70.0)
            (-60.0 70.0)
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 1
     axis 0 0 90 XYZ
     dof rx
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
AMC = """\
#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 0 0 0 0 0 0
upper 0 0 0
lower 0
2
root 5 6 7 0 0 0
upper 0 0 90
lower 90
"""


def test_rotations_are_right_handed() -> None:
    """A quarter turn about z takes x to y, about x takes y to z, about y takes z to x."""
    for axis, start, stop in (("z", 0, 1), ("x", 1, 2), ("y", 2, 0)):
        turned = axis_rotation(axis, np.array([90.0]))[0] @ np.eye(3)[start]
        assert_allclose(turned, np.eye(3)[stop], atol=1e-12)


def test_bvh_joints_are_where_a_hand_puts_them(tmp_path: Path) -> None:
    """The spine is turned left by the hips; its tip by Rz(90) Rz(90) Rx(90), in this order.

    Rx(90) takes (0, 5, 0) to (0, 0, 5), which both turns about z leave where it is.
    """
    path = tmp_path / "a.bvh"
    path.write_text(BVH)
    motion = read_bvh(path)
    assert motion.joints == ("Hips", "Spine", "Spine_end", "Tail")
    assert_allclose(motion.places[0], [[0, 1, 0], [0, 11, 0], [0, 16, 0], [1, 1, 0]], atol=1e-12)
    expected = [[1, 3, 3], [-9, 3, 3], [-9, 3, 8], [-1, 3, 3]]
    assert_allclose(motion.places[1], expected, atol=1e-12)


def test_acclaim_bones_end_where_a_hand_puts_them(tmp_path: Path) -> None:
    """The lower bone turns about its own x, which is the world's y: (1, 0, 0) becomes (0, 0, -1).

    A length of 0.0254 makes an inch of the file a metre.
    """
    (tmp_path / "07.asf").write_text(ASF)
    path = tmp_path / "07_01.amc"
    path.write_text(AMC)
    motion = read_amc(path)
    assert motion.joints == ("root", "upper", "lower")
    assert_allclose(motion.places[0], [[0, 0, 0], [2, 0, 0], [3, 0, 0]], atol=1e-12)
    assert_allclose(motion.places[1], [[5, 6, 7], [5, 8, 7], [5, 8, 6]], atol=1e-12)


def test_radians_and_other_units_are_the_same_body(tmp_path: Path) -> None:
    (tmp_path / "a.asf").write_text(
        ASF.replace("angle deg", "angle rad").replace("axis 0 0 90", f"axis 0 0 {np.pi / 2}")
    )
    (tmp_path / "a.amc").write_text(
        AMC.replace(":DEGREES", ":RADIANS").replace(" 90", f" {np.pi / 2}")
    )
    expected = [[5, 6, 7], [5, 8, 7], [5, 8, 6]]
    assert_allclose(read_amc(tmp_path / "a.amc").places[1], expected, atol=1e-12)


def test_the_body_of_a_motion_is_the_one_that_its_name_tells(tmp_path: Path) -> None:
    with pytest.raises(PriorError, match=r"07_01\.asf or 07\.asf\), got none"):
        find_body(tmp_path / "07_01.amc")
    for name in ("07.asf", "08.ASF"):
        (tmp_path / name).write_text(ASF)
    assert find_body(tmp_path / "07_01.amc").name == "07.asf"
    assert find_body(tmp_path / "08.amc").name == "08.ASF"
    with pytest.raises(PriorError, match="got 2 others"):
        find_body(tmp_path / "walk.amc")


def test_a_body_without_bones_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.asf").touch()
    (tmp_path / "a.amc").write_text(AMC)
    with pytest.raises(PriorError, match="an ASF file with a section :root, found none"):
        read_amc(tmp_path / "a.amc")


def test_a_prior_takes_joints_of_motion_capture_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.bvh").write_text(BVH)
    stick = Skeleton("stick", ("low", "high"), (((0,), (1,)),))
    poses = read_poses(
        tmp_path / "a.bvh", stick, joint_map={"low": "Hips", "high": "Spine_end+Tail"}
    )
    assert_allclose(poses.points[1], [[1, 3, 3], [-5, 3, 5.5]], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("HIERARCHY", "HEAD"), "does not begin with HIERARCHY"),
        (("Xrotation Yrotation\n    End", "Xrotation Wrotation\n    End"), "'wrotation' is no"),
        (("Frames: 2", "Frames: 3"), "expected 3 frames of 15 numbers, got 30"),
        (("90 90 0", "90 ninety 0"), "could not convert"),
        (("MOTION", "}"), "expected a BVH file"),
        (("}\nMOTION", "MOTION"), "a bracket is not closed"),
        (("Frame Time: 0.0083333", ""), "Frame Time: is missing"),
    ],
)
def test_a_broken_bvh_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in BVH
    (tmp_path / "a.bvh").write_text(BVH.replace(*change))
    with pytest.raises(PriorError, match=message):
        read_bvh(tmp_path / "a.bvh")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a.amc", ("lower 90\n", ""), "expected 2 frames of every bone, got 1 of 'lower'"),
        ("a.amc", ("upper 0 0 90", "upper 0 0"), "line 10: expected a bone of the body and its 3"),
        ("a.amc", ("lower 90", "tail 90"), "got 'tail 90'"),
        ("a.amc", (AMC, ""), "expected 0 frames of every bone"),
        ("a.asf", (":bonedata", ":bones"), "expected an ASF file"),
        ("a.asf", ("root upper\n    upper lower", "upper lower\n    root upper"), "ASF file"),
    ],
)
def test_a_broken_acclaim_file_is_refused(
    tmp_path: Path, name: str, change: tuple[str, str], message: str
) -> None:
    for each, text in (("a.asf", ASF), ("a.amc", AMC)):
        (tmp_path / each).write_text(text.replace(*change) if each == name else text)
    with pytest.raises(PriorError, match=message):
        read_amc(tmp_path / "a.amc")
