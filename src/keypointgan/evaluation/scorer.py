"""Values of frames become scores: the mean, its interval, by action and by joint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keypointgan.evaluation import metrics
from keypointgan.evaluation.metrics import FrameValues, Points
from keypointgan.evaluation.results import Score


@dataclass(frozen=True)
class Scale:
    """What errors are measured in.

    Attributes:
        lengths: What is 100 of the unit in each frame, in normalised coordinates; NaN where that
            is unknown, and the frame counts nowhere.
        unit: Its name for people.
    """

    lengths: FrameValues
    unit: str

    def of(self, points: Points) -> Points:
        """Return points in shares of the length."""
        return points / self.lengths[:, None, None]


@dataclass(frozen=True)
class Scorer:
    """Makes scores of values: the mean, its interval, per action and per joint.

    Attributes:
        labels: Normalised labels in the order of the skeleton, NaN where they do not count.
        joints: Names of the joints that count, and their places.
        groups: The clip or person of each frame.
        actions: The action of each frame, to average over actions.
        level: Of the intervals.
        seed: Of the resampling.
    """

    labels: Points
    joints: Mapping[str, int]
    groups: Sequence[str]
    actions: Sequence[str] | None
    level: float
    seed: int

    def score(
        self, name: str, unit: str, values: FrameValues, per_joint: Mapping[str, float]
    ) -> Score:
        """Return the score of a value a frame."""
        low, high = metrics.bootstrap_interval(
            values, self.groups, actions=self.actions, level=self.level, seed=self.seed
        )
        actions = self.actions
        return Score(
            name=name,
            unit=unit,
            mean=metrics.macro_average(values, actions),
            low=low,
            high=high,
            frames=int(np.isfinite(values).sum()),
            per_action=metrics.per_action(values, actions) if actions is not None else {},
            per_joint=per_joint,
        )

    def error(self, name: str, points: Points, scale: Scale) -> Score:
        """Return the score of the distances between points and labels."""
        scaled, wanted = scale.of(points), scale.of(self.labels)
        joints = metrics.joint_errors(scaled, wanted, side=1.0)
        per_joint = {joint: float(joints[place]) for joint, place in self.joints.items()}
        values = metrics.frame_errors(scaled, wanted, side=1.0)
        return self.score(name, scale.unit, values, per_joint)

    def flip_accuracy(self, points: Points, mirror: Sequence[int]) -> Score:
        """Return the share of frames whose left and right are told apart, as a whole and by joint.

        Joints without a side have none.
        """
        decisions = metrics.flip_decisions(points, self.labels, mirror=mirror)
        pairs = metrics.pair_accuracy(points, self.labels, mirror=mirror)
        per_joint = {
            joint: float(pairs[place])
            for joint, place in self.joints.items()
            if place != mirror[place]
        }
        return self.score("flip accuracy", "% of frames", decisions, per_joint)

    def pck(self, points: Points, scale: Scale, threshold: float) -> Score:
        """Return the share of points within `threshold` of the length."""
        values = metrics.pck_values(
            points, self.labels, threshold=threshold, reference=scale.lengths
        )
        unit = f"% of points within {100 * threshold:g} {scale.unit}"
        return self.score(f"PCK@{threshold:g}", unit, values, {})
