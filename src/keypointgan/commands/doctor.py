"""A look at the machine, at stores and at runs, for people whose training does not work."""

import os
import platform
import shutil
import webbrowser
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from keypointgan.checkpoint import load_model
from keypointgan.commands.findings import Finding
from keypointgan.commands.run_health import examine_run
from keypointgan.data.store import Store
from keypointgan.data.video import has_decoder, read_video, write_video
from keypointgan.errors import KeypointGANError
from keypointgan.hardware import choose_device, has_bfloat16
from keypointgan.training.journal import read_metrics
from keypointgan.wording import counted

_ROOM = 2.0  # gigabytes below which a run may not find room for its checkpoints
_EXTRAS = {
    "formats": (("sleap_io", "pandas", "h5py"), "files of SLEAP, DeepLabCut, COCO and NWB"),
    "logs": (("tensorboard",), "curves in TensorBoard"),
    "export": (("onnx", "onnxscript", "onnxruntime"), "ONNX files"),
    "app": (("gradio",), "the page in the browser"),
}
_DECODERS = {"h264": "H.264", "hevc": "H.265", "vp9": "VP9", "av1": "AV1", "mjpeg": "Motion JPEG"}


def examine(paths: Sequence[Path]) -> list[Finding]:
    """Return what is found on this machine and in these stores and runs."""
    findings = [
        Finding("python", f"{platform.python_version()} on {platform.platform()}"),
        Finding("keypointgan", version("keypointgan")),
        Finding("torch", f"{torch.__version__}, {counted(torch.get_num_threads(), 'thread')}"),
        _device(),
        _precision(),
        _checked("codec", _try_codec),
        _disk(),
        _compiler(),
        _browser(),
        _data(),
        *(_extra(name, *about) for name, about in _EXTRAS.items()),
    ]
    for path in paths:
        findings += _examine_path(path)
    return findings


def _device() -> Finding:
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        return Finding("device", f"{name}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free")
    if torch.backends.mps.is_available():
        return Finding("device", "Apple GPU (mps)")
    return Finding(
        "device",
        f"no GPU, {counted(os.cpu_count() or 1, 'core')}: use the preset 'compact' and 64 px",
    )


def _precision() -> Finding:
    if has_bfloat16(choose_device("auto")):
        return Finding("training.precision", "bf16-mixed is worth a try", good=True)
    return Finding(
        "training.precision",
        "this CPU has no bfloat16 units: bf16-mixed and --bfloat16 are computed in float32",
    )


def _try_codec() -> str:
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    frames[:, :, :16] = 200
    with TemporaryDirectory() as folder:
        file = Path(folder) / "test.mp4"
        write_video(file, iter(frames), 10.0)
        count = sum(1 for _ in read_video(file))
    known = [name for codec, name in _DECODERS.items() if has_decoder(codec)]
    return (
        f"PyAV {_version('av')} wrote 4 and read {counted(count, 'frame')} of H.264; "
        f"reads {', '.join(known)}"
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Finding("disk", f"{free:.1f} GB free here", free > _ROOM)


def _compiler() -> Finding:
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if torch.cuda.is_available() and find_spec("triton") is not None:
        return Finding("training.compile", "Triton is here", good=True)
    if compiler is None:
        return Finding(
            "training.compile", "no C++ compiler, so leave it off (on Debian: apt install g++)"
        )
    return Finding("training.compile", f"{compiler} is here", good=True)


def _browser() -> Finding:
    try:
        return Finding("browser", f"{webbrowser.get().name} will show 'keypointgan app'", good=True)
    except webbrowser.Error:
        return Finding("browser", "none here: open the address that 'keypointgan app' prints")


def _data() -> Finding:
    folder = os.environ.get("KEYPOINTGAN_DATA")
    if folder is None:
        return Finding("KEYPOINTGAN_DATA", "not set; only public data sets need it")
    if not Path(folder).is_dir():
        return Finding("KEYPOINTGAN_DATA", f"expected a folder, found none at '{folder}'", False)
    names = sorted(path.name for path in Path(folder).iterdir() if path.is_dir())
    return Finding("KEYPOINTGAN_DATA", f"{folder}: {', '.join(names) or 'empty'}", bool(names))


def _extra(name: str, modules: Sequence[str], purpose: str) -> Finding:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        return Finding(
            f"extra '{name}'", f"not installed; for {purpose}: pip install 'keypointgan[{name}]'"
        )
    return Finding(f"extra '{name}'", f"installed: {purpose}", good=True)


def _examine_path(path: Path) -> list[Finding]:
    if (path / "config.yaml").is_file():
        return [_checked(str(path), lambda: _describe_run(path)), *examine_run(path)]
    return [_checked(str(path), lambda: _describe_store(path))]


def _describe_store(path: Path) -> str:
    store = Store.open(path)
    store.frames([0, store.num_frames - 1])
    lengths = [clip.frames for clip in store.clips]
    return (
        f"{counted(len(store.clips), 'clip')} of {min(lengths)} to "
        f"{counted(max(lengths), 'frame')}, {store.num_frames} in all, {store.size} px, "
        f"{store.encoding}, {'with' if store.has_masks else 'no'} masks"
    )


def _describe_run(path: Path) -> str:
    loaded = load_model(path)
    lines = read_metrics(path)
    hours = lines[-1]["seconds"] / 3600 if lines else 0.0
    return (
        f"{loaded.skeleton.name}, {loaded.size} px, best of step {loaded.step}, trained for "
        f"{hours:.2f} hours"
    )


def _checked(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look(), True)
    except KeypointGANError as error:
        return Finding(what, str(error), False)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"
