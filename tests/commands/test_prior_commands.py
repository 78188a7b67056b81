"""`keypointgan prior build` and `check` from the command line."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.cli import main
from keypointgan.commands.options import joint_map
from keypointgan.errors import ConfigError

STICK = "name: stick\njoints: [low, high]\nlinks: [[low, high]]\n"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["prior", *map(str, arguments)])
    return int(stop.value.code or 0)


def test_files_with_mapped_joints_make_one_prior(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stick.yaml").write_text(STICK)
    (tmp_path / "map.yaml").write_text("low: foot\nhigh: ear+crown\n")
    for name in ("a.npz", "b.npz"):
        xyz = np.random.default_rng(0).normal(size=(10, 3, 3))
        np.savez(tmp_path / name, xyz=xyz, joints=["foot", "ear", "crown"])
    output = tmp_path / "out" / "prior.npz"
    code = run(
        *("build", tmp_path / "a.npz", tmp_path / "b.npz", "-o", output),
        *("--skeleton", tmp_path / "stick.yaml", "--map", tmp_path / "map.yaml"),
        *("--every", 2, "--up", "z"),
    )
    captured = capsys.readouterr()
    assert (code, captured.err, captured.out) == (0, "10 poses\n", f"{output}\n")
    with np.load(output) as file:
        expected = xyz[0, 1:].mean(axis=0)
        np.testing.assert_allclose(file["xyz"][0, 1], [expected[0], expected[2], -expected[1]])
    assert run("build", tmp_path, tmp_path / "a.npz", "-o", output, "--skeleton", "h36m17") == 1
    assert "or one folder" in capsys.readouterr().err


def test_a_prior_that_cannot_be_built_leaves_no_folder(tmp_path: Path) -> None:
    assert run("build", "absent.npz", "-o", tmp_path / "new" / "a.npz", "--skeleton", "fly13") == 1
    assert list(tmp_path.iterdir()) == []


def test_poses_that_are_left_out_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stick.yaml").write_text(STICK)
    (tmp_path / "a.csv").write_text("low_x,low_y,high_x,high_y\n0,1,2,3\n4,5,,\n6,7,8,10\n")
    arguments = ("build", tmp_path / "a.csv", "-o", tmp_path / "a.npz")
    assert run(*arguments, "--skeleton", tmp_path / "stick.yaml", "--drop-incomplete") == 0
    assert capsys.readouterr().err == "2 poses; 1 incomplete one was left out\n"


def test_a_map_is_pairs_or_a_file_of_pairs(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("a: b\n")
    assert joint_map([str(path), "c=d", "a=e"]) == {"a": "e", "c": "d"}
    path.write_text("- a\n")
    with pytest.raises(ConfigError, match="expected lines 'OURS: THEIRS'"):
        joint_map([str(path)])
    with pytest.raises(ConfigError, match="expected a YAML file of joints"):
        joint_map([str(tmp_path / "none.yaml")])
    with pytest.raises(ConfigError, match="Expected OURS=THEIRS"):
        joint_map(["a"])


def test_check_compares_with_the_frames_and_draws_it(
    tmp_path: Path,
    tiny_store: Path,
    tiny_prior: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The tiny clips are too short to tell what moves, and the check says so."""
    from keypointgan.data.synthetic_figure import SKELETON

    settings = (f"prior.poses={tiny_prior}", f"model.skeleton={SKELETON}", "prior.place=as_is")
    parts = [part for setting in settings for part in ("--set", setting)]
    picture = tmp_path / "new" / "check.png"
    code = run("check", *parts, "--set", f"data.store={tiny_store}", "-o", picture)
    out = capsys.readouterr().out
    assert code == 0
    assert "frames: " in out
    assert out.splitlines()[-1] == str(picture)
    assert picture.is_file()
    assert run("check", *parts, "-o", picture) == 1
    assert "to compare the prior with, got none" in capsys.readouterr().err
