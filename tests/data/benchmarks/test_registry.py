from pathlib import Path

import pytest

from keypointgan.data.benchmarks.registry import benchmark_names, ingest_benchmark
from keypointgan.errors import DataError


def test_five_data_sets_are_known_and_others_are_refused(tmp_path: Path) -> None:
    assert benchmark_names() == [
        "faces_youtube",
        "flies",
        "humans_jhmdb",
        "humans_rendered",
        "simplified_human36m",
    ]
    with pytest.raises(DataError, match=r"a data set of faces_youtube, .*got 'cats'"):
        ingest_benchmark("cats", tmp_path, tmp_path / "store", split="train")


@pytest.mark.parametrize("name", benchmark_names())
def test_an_empty_folder_is_refused_by_naming_what_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=rf"{tmp_path}.*is missing"):
        ingest_benchmark(name, tmp_path, tmp_path / "store", split="train")
    with pytest.raises(DataError, match="'train' or 'test', got 'validation'"):
        ingest_benchmark(name, tmp_path, tmp_path / "store", split="validation")
