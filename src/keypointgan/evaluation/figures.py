"""The few figures that a training run reports of itself while it goes on."""

from collections.abc import Callable

from keypointgan.data.labels import Labels
from keypointgan.evaluation import metrics
from keypointgan.evaluation.metrics import Points
from keypointgan.evaluation.protocols import PROTOCOLS, Protocol
from keypointgan.skeletons import Skeleton

Figures = Callable[[Points, Labels], dict[str, float]]


def default_protocol(skeleton: Skeleton, *, actions: bool = False) -> Protocol:
    """Return the protocol of the benchmarks that have this skeleton, else the generic one.

    Args:
        skeleton: What is detected.
        actions: Whether the labels tell the action of each frame.
    """
    of_skeleton = {"face68": "faces68", "face5": "mafl", "cat9": "cats"}
    if skeleton.name in of_skeleton:
        return PROTOCOLS[of_skeleton[skeleton.name]]
    if skeleton.name == "h36m32" and actions:
        return PROTOCOLS["simplified_human36m"]
    return PROTOCOLS["generic"]


def training_figures(skeleton: Skeleton) -> Figures:
    """Return the function that a trainer calls at each evaluation.

    It takes normalised predictions and the labels of the same frames in the skeleton's joints, and
    returns, in %, `error` and `error_flip_min` of the image side, `flip_accuracy` of the frames
    and, where the skeleton's protocol has a pair of joints, `nme` of their distance.
    """
    protocol = default_protocol(skeleton)

    def figures(predicted: Points, labels: Labels) -> dict[str, float]:
        wanted, actions, mirror = labels.xy, labels.action, skeleton.mirror
        found = {
            "error": metrics.mean_error(predicted, wanted, actions=actions),
            "error_flip_min": metrics.flip_min_error(
                predicted, wanted, mirror=mirror, actions=actions
            ),
            "flip_accuracy": metrics.flip_accuracy(
                predicted, wanted, mirror=mirror, actions=actions
            ),
        }
        if protocol.pair is not None:
            first, second = (skeleton.index_of(joint) for joint in protocol.pair)
            found["nme"] = metrics.normalised_mean_error(predicted, wanted, pair=(first, second))
        return found

    return figures
