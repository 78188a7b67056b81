"""The command that writes a recipe for a store and a prior, with reasons and expected time."""

import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from keypointgan.assemble import assemble_prior
from keypointgan.commands.cost import Cost, measure
from keypointgan.config import Config
from keypointgan.data.prior_files import check_complete, read_poses
from keypointgan.data.store import Store, StoreWriter
from keypointgan.data.survey import StoreSurvey, survey_poses, survey_store
from keypointgan.errors import PriorError, SkeletonError
from keypointgan.hardware import choose_device, has_bfloat16
from keypointgan.recipe_writer import FRAMES_TO_LEARN, make, render_recipe, warnings, with_time
from keypointgan.recommend import Choice, Machine, recommend
from keypointgan.skeletons import Skeleton, list_skeletons
from keypointgan.wording import counted

_HOURS = {True: 4.0, False: 1.0}  # with and without a GPU
_OUTSIDE = 0.05
_WORTH_IT = 1.25  # times faster, to give up half of the channels
_SAMPLE_CLIPS, _SAMPLE_FRAMES = 8, 48


@dataclass(frozen=True)
class Recommendation:
    """A recipe and what to say about it.

    Attributes:
        recipe: YAML.
        summary: What was seen, in a few lines.
        notes: What to look at before training.
        cost: What was measured.
    """

    recipe: str
    summary: tuple[str, ...]
    notes: tuple[str, ...]
    cost: Cost


def recommend_recipe(
    store_path: Path,
    prior_path: Path,
    *,
    skeleton: str | None = None,
    joint_map: Mapping[str, str] | None = None,
    hours: float | None = None,
    device: str = "auto",
    say: Callable[[str], None] = lambda _: None,
) -> Recommendation:
    """Look at a store and a prior, time a few updates, and return a recipe that trains as written.

    Args:
        store_path: The ingested frames.
        prior_path: The unpaired poses.
        skeleton: A built-in skeleton or a YAML file; by default the one whose joints they have.
        joint_map: For joints that the poses' file calls otherwise.
        hours: How long the training may take; 1 on a CPU and 4 on a GPU by default.
        device: Where it is going to run.
        say: Called with a line before what takes a while.

    Raises:
        KeypointGANError: The store or the prior cannot be used, or no skeleton fits.
    """
    store = Store.open(store_path)
    if not prior_path.is_file():
        raise PriorError(f"{prior_path}: expected a file of unpaired poses, found none.")
    skeleton = skeleton or find_skeleton(prior_path)
    shape = Skeleton.load(skeleton)
    file = read_poses(prior_path, shape, joint_map=joint_map)
    check_complete(file.points, prior_path)
    chosen = choose_device(device).type
    machine = Machine(chosen, _name(chosen), _HOURS[chosen != "cpu"] if hours is None else hours)
    say(f"looking at {store_path} and {prior_path} ...")
    frames = survey_store(store)
    prior = survey_poses(file.points, shape, size=file.size)
    choices = recommend(
        store_path.resolve(),
        prior_path.resolve(),
        skeleton if skeleton in list_skeletons() else str(Path(skeleton).resolve()),
        frames=frames,
        prior=prior,
        shape=shape,
        machine=machine,
        joint_map=dict(joint_map or {}),
    )
    say("timing a few updates, about a minute ...")
    with sample_of(store) as sample:
        choices, cost = _networks(choices, sample, machine)
    choices = with_time(
        choices,
        seconds=cost.seconds_per_update,
        before=cost.seconds_per_pretraining_update,
        machine=machine,
    )
    config = make(choices)
    notes = [*warnings(choices, frames, prior, shape), *_outside(config, shape)]
    expected = (
        cost.seconds_per_update * config.training.steps
        + cost.seconds_per_pretraining_update * config.pretrain.steps
    ) / 3600
    head = [
        "command:  keypointgan train --recipe THIS_FILE -o runs/NAME",
        f"machine:  {machine.name}",
        f"hours:    {expected:.2g} expected, pre-training included; {cost.seconds_per_update:.3g} "
        f"s an update of {counted(config.training.batch_size, 'pair')}, measured here",
        "score:    not trained yet",
        *_faster(machine),
    ]
    recipe = render_recipe(
        choices,
        title=f"Recommended by 'keypointgan recommend' for {store_path.name}",
        head=head,
        notes=notes,
    )
    return Recommendation(recipe, _summary(frames, prior.poses, shape), tuple(notes), cost)


def find_skeleton(prior_path: Path) -> str:
    """Return the built-in skeleton whose joints a file of poses has, the largest of several.

    Raises:
        SkeletonError: None fits, or two of the same size do.
        PriorError: There is no such file.
    """
    fitting: dict[str, int] = {}
    for name in list_skeletons():
        shape = Skeleton.load(name)
        try:
            read_poses(prior_path, shape)
        except PriorError:
            continue
        fitting[name] = shape.num_joints
    largest = [name for name, count in fitting.items() if count == max(fitting.values())]
    if len(largest) != 1:
        found = f"those of {' and of '.join(largest)}" if largest else "others"
        raise SkeletonError(
            f"{prior_path}: expected the joints of one built-in skeleton "
            f"({', '.join(list_skeletons())}), got {found}. Say which with --skeleton NAME, and "
            "--map OURS=THEIRS for joints that the file calls otherwise."
        )
    return largest[0]


@contextmanager
def sample_of(store: Store) -> Iterator[Path]:
    """Write a store of a few clips, quick to load, to time a training on; it is thrown away."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        count = min(_SAMPLE_CLIPS, len(store.clips))
        with StoreWriter(path, size=store.size, encoding="raw") as writer:
            for index in np.linspace(0, len(store.clips) - 1, count).astype(int):
                clip = store.clips[index]
                rows = np.arange(clip.start, clip.start + min(clip.frames, _SAMPLE_FRAMES))
                writer.add_clip(
                    clip.name,
                    store.frames(rows),
                    source=clip.source,
                    fps=clip.fps,
                    masks=store.masks(rows) if store.has_masks else None,
                    group=clip.group,
                )
        yield path


def _networks(
    choices: Sequence[Choice], sample: Path, machine: Machine
) -> tuple[list[Choice], Cost]:
    """The choices with the number format and the width that the time allows, and their cost."""
    kind, cost, why = _number_format(choices, sample, machine)
    width, because = 32, "the paper's"
    batch = make(choices).training.batch_size
    seen = machine.hours * 3600 / cost.seconds_per_update * batch
    if seen < FRAMES_TO_LEARN:
        narrow = _measured(choices, sample, width=16, precision=kind)
        ratio = cost.seconds_per_update / narrow.seconds_per_update
        because += f"; half of it would hardly be faster here ({ratio:.1f} times)"
        if ratio > _WORTH_IT:
            width, cost = 16, narrow
            because = (
                f"{ratio:.1f} times faster than 32, at which {machine.time} would show {seen:,.0f} "
                f"frames; the faces' recipe needed {FRAMES_TO_LEARN:,}"
            )
    return [
        *choices,
        Choice("model.width", width, because),
        Choice("training.precision", kind, why),
    ], cost


def _number_format(
    choices: Sequence[Choice], sample: Path, machine: Machine
) -> tuple[str, Cost, str]:
    """The faster of the number formats, its cost, and why it is taken."""
    plain = _measured(choices, sample, width=32, precision="32-true")
    if not has_bfloat16(torch.device(machine.device)):
        return "32-true", plain, "this CPU has no bfloat16 units"
    precision = _measured(choices, sample, width=32, precision="bf16-mixed")
    ratio = plain.seconds_per_update / precision.seconds_per_update
    why = f"{max(ratio, 1 / ratio):.1f} times faster than the other here"
    return ("bf16-mixed", precision, why) if ratio >= 1 else ("32-true", plain, why)


def _measured(choices: Sequence[Choice], sample: Path, *, width: int, precision: str) -> Cost:
    kept = [
        replace(choice, value=[1, 1000])
        if choice.key == "data.gap"
        else replace(choice, value=str(sample))
        if choice.key == "data.store"
        else replace(choice, value=0.0)
        if choice.key == "data.validation_fraction"
        else choice
        for choice in choices
    ]
    settings = [
        Choice("model.width", width, ""),
        Choice("training.precision", precision, ""),
    ]
    return measure(make([*kept, *settings]))


def _outside(config: Config, shape: Skeleton) -> list[str]:
    """A warning if the prior, placed so, leaves the frame."""
    prior, _ = assemble_prior(config, shape)
    poses = prior.sample(2048, generator=torch.Generator().manual_seed(0))
    share = float((poses.abs() > 1).any(-1).float().mean())
    if share < _OUTSIDE:
        return []
    return [
        f"{100 * share:.0f} % of the prior's points lie outside of the frame; lower prior.extent, "
        "or look at it with 'keypointgan prior plot'."
    ]


def _faster(machine: Machine) -> list[str]:
    if machine.fast or shutil.which("g++") is None:
        return []
    return [
        "faster:   --set training.compile=true: slow to start, then up to twice as fast on a CPU",
    ]


def _summary(frames: StoreSurvey, poses: int, shape: Skeleton) -> tuple[str, ...]:
    camera = "cannot be told" if np.isnan(frames.still) else f"{100 * frames.still:.0f} % still"
    objects = frames.objects
    seen = f"{objects.extent:.2f} of the frame, by its {objects.seen_by}" if objects else "not seen"
    return (
        f"store: {counted(frames.clips, 'clip')} of {counted(frames.groups, 'group')}, "
        f"{counted(frames.frames, 'frame')} of {frames.size} pixels, "
        f"{'with' if frames.masks else 'without'} masks",
        f"border of the frames: {camera}; object: {seen}",
        f"prior: {counted(poses, 'pose')}, skeleton {shape.name}",
    )


def _name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    if device == "cpu":
        return f"cpu, {counted(torch.get_num_threads(), 'thread')}, {platform.machine()}"
    return device
