"""The labelled frames of a store, with what a run finds in them and how wrong that is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from keypointgan.checkpoint import load_model
from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.pairs import FrameBank
from keypointgan.data.store import Store
from keypointgan.evaluation.matching import arrange_labels, match_joints
from keypointgan.evaluation.metrics import frame_errors
from keypointgan.skeletons import Skeleton
from keypointgan.training.validate import predict_rows


@dataclass(frozen=True)
class TestFrames:
    """Predictions and labels, normalised, in the order of the skeleton; NaN without a label.

    Attributes:
        bank: Where the frames are.
        rows: Which of its frames.
        groups: The clip or person of each.
        errors: Mean distance of the labelled points in each, % of the side.
    """

    bank: FrameBank
    rows: torch.Tensor
    skeleton: Skeleton
    predicted: np.ndarray
    labels: np.ndarray
    groups: list[str]
    errors: np.ndarray

    def within(self, share: tuple[float, float]) -> np.ndarray:
        """Frames between two shares of the errors, from the least."""
        order = np.argsort(self.errors)[: int(np.isfinite(self.errors).sum())]
        low, high = (round(each * len(order)) for each in share)
        return order[low:high]

    def choose(self, share: tuple[float, float], *, count: int, seed: int) -> list[int]:
        """Some of those frames by chance, of as many clips or persons as there are."""
        candidates = np.random.default_rng(seed).permutation(self.within(share))
        used: dict[str, int] = {}
        ranked = []
        for place, index in enumerate(candidates):
            group = self.groups[index]
            ranked.append((used.get(group, 0), place, int(index)))
            used[group] = used.get(group, 0) + 1
        return [index for *_, index in sorted(ranked)[:count]]

    def frame(self, index: int) -> np.ndarray:
        """The frame as RGB."""
        picture = self.bank.fetch(self.rows[index : index + 1])[0]
        return ((picture.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()


def find(run: Path, store_path: Path) -> TestFrames:
    """Look for the keypoints in all labelled frames of a store."""
    store = Store.open(store_path)
    labels = Labels.load(store_path / LABEL_FILE)
    device = torch.device("cpu")
    loaded = load_model(run, device=device)
    bank = FrameBank(
        store, size=loaded.size, masked=loaded.config.data.mask_background, device=device
    )
    rows = torch.from_numpy(labels.rows(store))
    predicted = predict_rows(loaded.model, bank.fetch, rows, autocast=torch.no_grad)
    skeleton = loaded.skeleton
    places = match_joints(skeleton, labels.joints, count=labels.xy.shape[1])
    known = arrange_labels(labels.xy, places, skeleton.num_joints)
    groups = [store.clip(name).group for name in labels.clip]
    errors = frame_errors(predicted, known)
    return TestFrames(bank, rows, skeleton, predicted, known, groups, errors)
