import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.errors import CheckpointError
from keypointgan.models.decoder import Decoder
from keypointgan.models.encoder import Encoder
from keypointgan.models.regressor import Regressor
from keypointgan.models.release import (
    ReleaseWeights,
    _decoder_places,
    _encoder_places,
    _regressor_places,
    read_release,
    rename_release,
)

StateDict = dict[str, Tensor]

OURS = {
    "G_A": Encoder(channels=2, width=4),
    "G_B": Decoder(channels=2, width=4),
    "regressor": Regressor(keypoints=5, channels=2, width=4),
}
PLACES = {
    "G_A": _encoder_places(),
    "G_B": _decoder_places(),
    "regressor": _regressor_places(),
}


def _as_the_release_saves(network: str) -> StateDict:
    """Our small network's weights under the release's names."""
    theirs = {place: layer for layer, place in PLACES[network].items()}
    state = {}
    for name, value in OURS[network].state_dict().items():
        layer, _, parameter = name.rpartition(".")
        state[f"{theirs[layer]}.{parameter}"] = value
    return state


def _save(folder: Path, iteration: str, *networks: str, add: float = 0.0) -> None:
    for network in networks:
        state = _as_the_release_saves(network)
        state = {key: value + add if value.ndim else value for key, value in state.items()}
        torch.save(state, folder / f"{iteration}_net_{network}.pth")


def _rename(**changed: StateDict) -> ReleaseWeights:
    names = {"encoder": "G_A", "decoder": "G_B", "regressor": "regressor"}
    states = {ours: _as_the_release_saves(theirs) for ours, theirs in names.items()}
    return rename_release(**(states | changed))


def test_weights_keep_their_values_under_our_names(tmp_path: Path) -> None:
    _save(tmp_path, "20", "G_A", "G_B", "regressor")
    weights = read_release(tmp_path)
    assert_close(weights.encoder, dict(OURS["G_A"].state_dict()))
    assert_close(weights.decoder, dict(OURS["G_B"].state_dict()))
    assert_close(weights.regressor, dict(OURS["regressor"].state_dict()))


def test_the_sizes_of_the_networks_are_read_from_the_weights() -> None:
    weights = _rename()
    assert (weights.keypoints, weights.channels, weights.width) == (5, 2, 4)


def test_weights_stored_in_half_precision_come_back_in_float32() -> None:
    half = {key: value.half() for key, value in _as_the_release_saves("regressor").items()}
    weights = _rename(regressor=half)
    assert {value.dtype for value in weights.regressor.values()} == {torch.float32}


def test_a_checkpoint_from_before_pytorch_counted_batches_is_read() -> None:
    state = _as_the_release_saves("G_A")
    old = {key: value for key, value in state.items() if "num_batches" not in key}
    OURS["G_A"].load_state_dict(_rename(encoder=old).encoder)


def test_the_latest_iteration_with_all_networks_is_read(tmp_path: Path) -> None:
    """9 is complete but older than 10 (not in alphabetical order); 11 lacks the decoder."""
    _save(tmp_path, "9", "G_A", "G_B", "regressor", add=1.0)
    _save(tmp_path, "10", "G_A", "G_B", "regressor")
    _save(tmp_path, "11", "G_A", "regressor", add=2.0)
    assert_close(read_release(tmp_path).encoder, dict(OURS["G_A"].state_dict()))


def test_files_named_latest_are_later_than_any_number(tmp_path: Path) -> None:
    _save(tmp_path, "10", "G_A", "G_B", "regressor", add=1.0)
    _save(tmp_path, "latest", "G_A", "G_B", "regressor")
    assert_close(read_release(tmp_path).encoder, dict(OURS["G_A"].state_dict()))


def test_a_missing_network_is_named_with_what_was_found(tmp_path: Path) -> None:
    _save(tmp_path, "10", "G_A", "regressor")
    with pytest.raises(CheckpointError, match=r"_G_B\.pth .* got 10_net_G_A\.pth, 10_net_reg"):
        read_release(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="got none of them"):
        read_release(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    _save(tmp_path, "10", "G_A", "G_B", "regressor")
    (tmp_path / "10_net_G_B.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=re.escape("10_net_G_B.pth: expected a file of w")):
        read_release(tmp_path)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    """A whole pickled module instead of a state dict."""
    _save(tmp_path, "10", "G_A", "G_B", "regressor")
    torch.save(OURS["G_A"], tmp_path / "10_net_G_A.pth")
    with pytest.raises(CheckpointError, match=re.escape("10_net_G_A.pth: expected a file of w")):
        read_release(tmp_path)


def test_a_file_with_something_else_than_weights_is_refused(tmp_path: Path) -> None:
    _save(tmp_path, "10", "G_A", "G_B", "regressor")
    torch.save([1, 2], tmp_path / "10_net_G_A.pth")
    with pytest.raises(CheckpointError, match=r"expected a state dict .* got list"):
        read_release(tmp_path)


def test_a_missing_key_is_named() -> None:
    state = _as_the_release_saves("G_B")
    del state["decoder.model.22.running_mean"]
    with pytest.raises(CheckpointError, match=r"G_B: .* 'decoder\.model\.22\.running_mean'"):
        _rename(decoder=state)


@pytest.mark.parametrize("key", ["model.27.weight", "model.24.scale", "weight"])
def test_an_unknown_key_is_named(key: str) -> None:
    state = _as_the_release_saves("regressor") | {key: torch.zeros(1)}
    with pytest.raises(CheckpointError, match=f"unknown key '{re.escape(key)}'"):
        _rename(regressor=state)


def test_a_tensor_of_another_shape_is_named() -> None:
    state = _as_the_release_saves("G_A") | {"encoder.blocks.3.6.weight": torch.zeros(3, 3, 1, 1)}
    with pytest.raises(CheckpointError, match=r"blocks\.3\.6\.weight.*\(32, 32, 1, 1\).*\(3, 3"):
        _rename(encoder=state)


def test_networks_that_changed_places_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"expected the release's key 'encoder\.blocks\.0"):
        _rename(encoder=_as_the_release_saves("regressor"))


def test_the_release_has_32_keypoints_one_channel_and_width_32(shared_data: Path) -> None:
    folder = shared_data / "release_parity"
    if not any(folder.glob("*.pth")):
        pytest.skip(f"no weights in {folder}")
    weights = read_release(folder)
    assert (weights.keypoints, weights.channels, weights.width) == (32, 1, 32)
