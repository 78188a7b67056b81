"""Keypoints with names, learnt from unlabelled videos and an unpaired sample of poses.

The public names load their modules on first use (PEP 562), so that `import keypointgan` and
`keypointgan --help` do not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keypointgan.errors import KeypointGANError
    from keypointgan.inference.detector import Detector
    from keypointgan.inference.formats import load_poses, save_poses
    from keypointgan.inference.poses import Poses
    from keypointgan.skeletons import Skeleton

__version__ = "0.1.0"

__all__ = [
    "Detector",
    "KeypointGANError",
    "Poses",
    "Skeleton",
    "__version__",
    "load_poses",
    "save_poses",
]

_HOMES = {
    "Detector": "keypointgan.inference.detector",
    "KeypointGANError": "keypointgan.errors",
    "Poses": "keypointgan.inference.poses",
    "Skeleton": "keypointgan.skeletons",
    "load_poses": "keypointgan.inference.formats",
    "save_poses": "keypointgan.inference.formats",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'keypointgan' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
