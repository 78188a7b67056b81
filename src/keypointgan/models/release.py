"""The networks of the authors' release under our names (repository tomasjakab/keypointgan).

Its checkpoints are a file a network, `<iteration>_net_<network>.pth`: `G_A` is Φ, the encoder;
`G_B` is Ψ, the decoder; `regressor` is η. Their coordinates put -1 and +1 on the centres of the
outer pixels: a model with these weights is built with `align_corners=True`.
"""

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import torch
from torch import Tensor, nn

from keypointgan.errors import CheckpointError
from keypointgan.models.decoder import Decoder
from keypointgan.models.encoder import Encoder
from keypointgan.models.regressor import Regressor

StateDict = Mapping[str, Tensor]

NETWORKS = ("G_A", "G_B", "regressor")
"""The networks of a release checkpoint that are read: Φ, Ψ and η."""

_FILE = re.compile(r"(?P<iteration>\d+|latest)_net_(?P<network>G_A|G_B|regressor)\.pth")

_BATCH_COUNT = "num_batches_tracked"
"""A counter that PyTorch before 0.4.1 did not save and that nothing here reads."""


@dataclass(frozen=True)
class ReleaseWeights:
    """State dicts, in float32 and under our names, and the sizes to build their networks with.

    Attributes:
        encoder: Of `Encoder(channels=..., width=...)`.
        decoder: Of `Decoder(channels=..., width=...)`.
        regressor: Of `Regressor(keypoints=..., channels=..., width=...)`.
        keypoints: Number of keypoints, K in the paper.
        channels: Channels of the skeleton image.
        width: Channels of the first stage.
    """

    encoder: dict[str, Tensor]
    decoder: dict[str, Tensor]
    regressor: dict[str, Tensor]
    keypoints: int
    channels: int
    width: int


def read_release(folder: Path) -> ReleaseWeights:
    """Return the weights of the latest iteration in `folder` that has all three networks.

    `latest_net_*.pth` counts as later than any number. No code runs on loading.

    Raises:
        CheckpointError: A file is missing or broken, or its weights are not the release's.
    """
    files: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*_net_*.pth")):
        if match := _FILE.fullmatch(path.name):
            files.setdefault(match["iteration"], {})[match["network"]] = path
    complete = [iteration for iteration, found in files.items() if len(found) == len(NETWORKS)]
    if not complete:
        names = [path.name for found in files.values() for path in found.values()]
        raise CheckpointError(
            f"{folder}: expected the release's <iteration>_net_G_A.pth, ..._G_B.pth and "
            f"..._regressor.pth of one iteration, got {', '.join(sorted(names)) or 'none of them'}."
            " Put the three files into one folder and pass that folder."
        )
    latest = files[max(complete, key=_age)]
    encoder, decoder, regressor = (_read_state(latest[network]) for network in NETWORKS)
    return rename_release(encoder=encoder, decoder=decoder, regressor=regressor, where=str(folder))


def rename_release(
    *, encoder: StateDict, decoder: StateDict, regressor: StateDict, where: str = "release"
) -> ReleaseWeights:
    """Return the release's state dicts under our names, every name and shape checked.

    Args:
        encoder: Of the release's `G_A`.
        decoder: Of its `G_B`.
        regressor: Of its `regressor`.
        where: Named in errors.

    Raises:
        CheckpointError: A key is missing or unknown, or a tensor has another shape.
    """
    width, channels = (
        _outputs(encoder, key, f"{where}, G_A")
        for key in ("encoder.blocks.0.0.weight", "decoder.blocks.3.4.weight")
    )
    keypoints = _outputs(regressor, "model.24.weight", f"{where}, regressor")
    with torch.device("meta"):  # shapes only
        ours = {
            "G_A": Encoder(channels=channels, width=width),
            "G_B": Decoder(channels=channels, width=width),
            "regressor": Regressor(keypoints=keypoints, channels=channels, width=width),
        }
    renamed = {
        network: _rename(state, places, ours[network], f"{where}, {network}")
        for network, state, places in (
            ("G_A", encoder, _encoder_places()),
            ("G_B", decoder, _decoder_places()),
            ("regressor", regressor, _regressor_places()),
        )
    }
    return ReleaseWeights(
        encoder=renamed["G_A"],
        decoder=renamed["G_B"],
        regressor=renamed["regressor"],
        keypoints=keypoints,
        channels=channels,
        width=width,
    )


def _age(iteration: str) -> float:
    return float("inf") if iteration == "latest" else int(iteration)


def _read_state(path: Path) -> StateDict:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{path}: expected a file of weights as torch.save writes it, got one that cannot be "
            f"read ({reason}). Copy or download it again."
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(
            f"{path}: expected a state dict (names and tensors), got {type(state).__name__}."
        )
    return state


def _outputs(state: StateDict, key: str, where: str) -> int:
    """The output channels of a convolution that tells the size of its network."""
    if key not in state or state[key].ndim != 4:
        near = get_close_matches(key, state, n=1, cutoff=0.0)
        raise CheckpointError(
            f"{where}: expected the release's key '{key}' with a convolution's weights, "
            f"got {near[0] if near else 'no keys'} at most. Is this a checkpoint of the authors' "
            "release, and is each file under its own name?"
        )
    return state[key].shape[0]


def _rename(
    state: StateDict, places: Mapping[str, str], ours: nn.Module, where: str
) -> dict[str, Tensor]:
    """The state dict with each layer's name looked up in `places`, complete and well shaped."""
    expected = ours.state_dict()
    theirs = {place: layer for layer, place in places.items()}
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        layer, _, parameter = key.rpartition(".")
        name = f"{places.get(layer, '')}.{parameter}"
        if name not in expected:
            raise CheckpointError(
                f"{where}: unknown key '{key}'. Only the networks of the authors' release can be "
                "converted; one that was changed cannot."
            )
        if value.shape != expected[name].shape:
            raise CheckpointError(
                f"{where}: expected '{key}' of shape {tuple(expected[name].shape)}, as follows "
                f"from the other layers, got {tuple(value.shape)}."
            )
        renamed[name] = value.float() if value.is_floating_point() else value
    for name, value in expected.items():
        if name in renamed:
            continue
        layer, _, parameter = name.rpartition(".")
        if parameter != _BATCH_COUNT:
            raise CheckpointError(
                f"{where}: expected the key '{theirs[layer]}.{parameter}', got a file without it. "
                "The file is incomplete, or not of the authors' release."
            )
        renamed[name] = torch.zeros(value.shape, dtype=value.dtype, device="cpu")
    return {name: renamed[name] for name in expected}


def _encoder_places() -> dict[str, str]:
    """For each layer of the release's Φ the name of ours."""
    places = {"encoder.blocks.3.6": "neck"}
    for stage in range(4):
        places |= _blocks(f"encoder.blocks.{stage}", (0, 3), f"down.stages.{stage}", (0, 1))
    places |= _blocks("decoder.blocks.0", (0, 3), "deep", (0, 1))
    for stage in range(2):
        places[f"decoder.blocks.{stage + 1}.0"] = f"up.{stage}.0"
        places |= _blocks(f"decoder.blocks.{stage + 1}", (1, 4), f"up.{stage}", (1, 2))
    places["decoder.blocks.3.0"] = "out.0"
    places |= _blocks("decoder.blocks.3", (1,), "out", (1,))
    places["decoder.blocks.3.4"] = "out.2"
    return places


def _decoder_places() -> dict[str, str]:
    """For each layer of the release's Ψ the name of ours."""
    places = {"encoder.model.24": "pose_neck", "encoder_cond.model.24": "appearance_neck"}
    for stage in range(4):
        layers = (6 * stage, 6 * stage + 3)
        places |= _blocks("encoder.model", layers, f"pose.stages.{stage}", (0, 1))
        places |= _blocks("encoder_cond.model", layers, f"appearance.stages.{stage}", (0, 1))
    for stage in range(3):
        places |= _blocks("decoder.model", (7 * stage, 7 * stage + 3), f"up.{stage}", (0, 1))
    places |= _blocks("decoder.model", (21,), "out", (0,))
    places["decoder.model.24"] = "out.1"
    return places


def _regressor_places() -> dict[str, str]:
    """For each layer of the release's η the name of ours."""
    places = {"model.24": "out"}
    for stage in range(4):
        places |= _blocks("model", (6 * stage, 6 * stage + 3), f"down.stages.{stage}", (0, 1))
    return places


def _blocks(
    theirs: str, layers: tuple[int, ...], ours: str, blocks: tuple[int, ...]
) -> dict[str, str]:
    """Places of blocks: theirs in a flat sequence (convolution, norm, ReLU), ours nested."""
    places = {}
    for layer, block in zip(layers, blocks, strict=True):
        places[f"{theirs}.{layer}"] = f"{ours}.{block}.0"
        places[f"{theirs}.{layer + 1}"] = f"{ours}.{block}.1"
    return places
