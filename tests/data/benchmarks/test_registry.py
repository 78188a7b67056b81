"""The list of data sets, where they are looked for, and what is said when they are not there."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.registry import (
    BENCHMARKS,
    find_benchmark,
    ingest_benchmark,
    locate,
    reference_page,
    write_benchmark_prior,
)
from keypointgan.errors import DataError
from keypointgan.skeletons import list_skeletons


def test_an_unknown_data_set_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"of simplified_human36m, .*got 'cat'. Did you mean 'cats'"
    ):
        ingest_benchmark("cat", tmp_path, tmp_path / "store", split="train")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_empty_folder_is_refused_by_the_path_of_what_is_missing(
    tmp_path: Path, name: str
) -> None:
    for split in BENCHMARKS[name].splits:
        with pytest.raises(
            DataError, match=rf"^{tmp_path}/.+: expected .*(missing|found none).*layout"
        ):
            ingest_benchmark(name, tmp_path, tmp_path / "store", split=split)
    with pytest.raises(DataError, match=f"{name}: expected a split of .*test.*got 'validation'"):
        ingest_benchmark(name, tmp_path, tmp_path / "store", split="validation")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_data_set_says_whose_it_is_and_how_it_lies(name: str) -> None:
    benchmark = BENCHMARKS[name]
    text = benchmark.describe()
    for head in ("**Cite.**", "**Licence.**", "**Get it.**", "**Layout**", "**Protocol.**"):
        assert head in text
    assert benchmark.skeleton in list_skeletons()
    assert {"train", "test"} <= set(benchmark.splits)
    assert benchmark.prior_split in {"", *benchmark.splits}


def test_the_folder_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cats = find_benchmark("cats")
    monkeypatch.delenv("KEYPOINTGAN_DATA", raising=False)
    with pytest.raises(DataError, match=r"cats: expected its folder \(--root FOLDER\)"):
        locate(cats, None)
    monkeypatch.setenv("KEYPOINTGAN_DATA", str(tmp_path))
    with pytest.raises(DataError, match=rf"{tmp_path}/cats: expected the folder of cats"):
        locate(cats, None)
    (tmp_path / "cats").mkdir()
    assert locate(cats, None) == tmp_path / "cats"
    assert locate(cats, tmp_path) == tmp_path


def test_a_data_set_without_unpaired_poses_names_those_that_have_some(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"flies: expected .* \(simplified_human36m, .*this one"):
        write_benchmark_prior("flies", tmp_path, tmp_path / "prior.npz")


def test_poses_of_a_prior_are_complete_and_placed_in_the_frame(tmp_path: Path) -> None:
    """Two cats, one each half: the eyes 100 apart are the longest side of the points' box."""
    folder = tmp_path / "CAT_00"
    folder.mkdir()
    points = np.full((9, 2), 50.0)
    points[0], points[1] = [0, 50], [100, 50]
    text = "9 " + " ".join(f"{value:.0f}" for value in points.reshape(-1))
    for index in range(4):
        (folder / f"0000000{index}_000.jpg.cat").write_text(text)
    assert write_benchmark_prior("cats", tmp_path, tmp_path / "prior.npz") == 2
    with np.load(tmp_path / "prior.npz") as file:
        assert float(file["size"]) == 128
        np.testing.assert_allclose(file["xy"][0, 1] - file["xy"][0, 0], [128 / 1.5, 0], rtol=1e-5)
        np.testing.assert_allclose(file["xy"][0, 2], [64, 64], atol=1e-4)


def test_the_reference_page_is_up_to_date() -> None:
    """Write it anew with `reference_page()` where this fails."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "benchmarks.md"
    assert page.read_text(encoding="utf-8") == reference_page()
