"""Which predicted joints are compared with which labelled ones."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from keypointgan.errors import LabelError
from keypointgan.evaluation.metrics import Points
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted


def match_joints(
    skeleton: Skeleton,
    label_joints: Sequence[str],
    *,
    count: int,
    joint_map: Mapping[str, str] | None = None,
) -> dict[int, int]:
    """For each compared joint of the skeleton its place among the labelled ones.

    Args:
        skeleton: The skeleton of the predictions.
        label_joints: Names of the labelled joints; none if they are those of the skeleton.
        count: Number of labelled points.
        joint_map: For joints with another name in the labels: skeleton's name -> labels' name.

    Raises:
        LabelError: No joint is in both, or the names do not fit the labels.
    """
    joint_map = joint_map or {}
    if not label_joints:
        if count != skeleton.num_joints:
            raise LabelError(
                f"Expected labels of the {counted(skeleton.num_joints, 'joint')} of "
                f"'{skeleton.name}', got {counted(count, 'point')} without names. Say which joints "
                "are labelled."
            )
        label_joints = skeleton.joints
    if len(label_joints) != count:
        raise LabelError(
            f"Expected {counted(count, 'name')} of labelled joints, got {len(label_joints)}."
        )
    for joint, label in joint_map.items():
        skeleton.index_of(joint)
        if label not in label_joints:
            near = get_close_matches(label, label_joints, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise LabelError(
                f"The map of joints says {joint} -> {label}, which is not labelled.{hint}"
            )
    wanted = {index: joint_map.get(joint, joint) for index, joint in enumerate(skeleton.joints)}
    places = {
        index: list(label_joints).index(label)
        for index, label in wanted.items()
        if label in label_joints
    }
    if not places:
        raise LabelError(
            f"No joint of '{skeleton.name}' ({', '.join(skeleton.joints)}) is labelled; the labels "
            f"hold {', '.join(label_joints)}. Give a map from the first to the second."
        )
    return places


def arrange_labels(labels: Points, places: Mapping[int, int], joints: int) -> Points:
    """The labels in the order of the skeleton, NaN for joints that have none."""
    arranged = np.full((len(labels), joints, 2), np.nan)
    arranged[:, list(places)] = labels[:, list(places.values())]
    return arranged
