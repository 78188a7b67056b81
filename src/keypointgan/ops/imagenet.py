"""What networks of ImageNet come with: files of weights, and how they are shown pictures."""

from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from keypointgan.errors import CheckpointError

MEAN = (0.485, 0.456, 0.406)
"""Of red, green and blue of pictures in [0, 1], which is taken away [torchvision]."""
SPREAD = (0.229, 0.224, 0.225)
"""Their standard deviation, by which it is divided."""


def read_weights(path: Path, *, name: str, otherwise: str) -> dict[str, Tensor]:
    """The tensors of a state dict, `.pth` or `.safetensors`, by their names there.

    Args:
        path: The file.
        name: Whose weights they are, for errors.
        otherwise: What to do where there is no file, a sentence.

    Raises:
        CheckpointError: There is no file, or it cannot be read, or holds something else.
    """
    if not path.is_file():
        raise CheckpointError(
            f"Expected the weights of {name} at '{path}', found no file. {otherwise}"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{path}: expected the weights of {name}, got a file that cannot be read ({reason}). "
            "Copy or download it again."
        ) from error
    if not isinstance(weights, dict):
        raise CheckpointError(
            f"{path}: expected a state dict of {name}, got a {type(weights).__name__}. Save the "
            "network's state_dict()."
        )
    return {key: value for key, value in weights.items() if isinstance(value, Tensor)}
