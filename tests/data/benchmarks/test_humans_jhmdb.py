import shutil
from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.humans_jhmdb import film_of
from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store
from keypointgan.skeletons import Skeleton


def opened(path: Path, skeleton: str) -> tuple[Store, Labels]:
    store = Store.open(path)
    return store, Labels.load(path / "labels.npz").for_joints(Skeleton.load(skeleton).joints)


def test_jhmdb_comes_with_masks_that_hold_the_joints(shared_data: Path, tmp_path: Path) -> None:
    """Nearly all labelled joints lie on the person's mask, in frames of another size too."""
    source = shared_data / "humans_jhmdb" / "test"
    (tmp_path / "root" / "test").mkdir(parents=True)
    for file in sorted(source.glob("AgriculturalAviation_*")):
        shutil.copy(file, tmp_path / "root" / "test")
    ingest_benchmark("humans_jhmdb", tmp_path / "root", tmp_path / "store", split="test", size=64)
    store, labels = opened(tmp_path / "store", "jhmdb15")
    assert store.clips[0].group == "AgriculturalAviation"
    assert set(labels.action or ()) == {"walk"}
    masks = store.masks(labels.rows(store))
    places = np.clip(np.floor((labels.xy + 1) / 2 * 64).astype(int), 0, 63)
    hit = masks[np.arange(len(masks))[:, None], places[..., 1], places[..., 0]] > 0
    assert hit.mean() > 0.85


@pytest.mark.parametrize(
    ("name", "action", "film"),
    [
        ("A_Beautiful_Mind_3_run_f_nm_np1_fr_med_6", "run", "A_Beautiful_Mind"),
        ("Brushing_Her_Hair_brush_hair_u_nm_np1_ba_goo_1", "brush_hair", "Brushing_Her_Hair"),
        ("CastAway1_pick_f_cm_np1_le_bad_10", "pick", "CastAway"),
        ("prelinger_LetsPlay1949_catch_f_cm_np1_ri_med_0", "catch", "prelinger_LetsPlay1949"),
    ],
)
def test_the_film_is_what_precedes_action_and_scene_number(
    name: str, action: str, film: str
) -> None:
    assert film_of(name, action=action) == film
