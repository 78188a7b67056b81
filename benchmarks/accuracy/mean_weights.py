"""The mean of two students' weights, one of which went on from the other.

python benchmarks/accuracy/mean_weights.py humans runs/on -o runs/mean --share 0.5

What went on for little time on other views knows these, and has forgotten a little; half-way
between both, either is often as good as the better one (Wortsman et al., Robust fine-tuning of
zero-shot models, CVPR 2022). The naming of sides is the first one's, and the confidence is
uncalibrated.
"""

import argparse
from pathlib import Path

import torch

from keypointgan.checkpoint import LoadedModel, load_model, save_checkpoint
from keypointgan.models.student import Student


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path, help="a run, a checkpoint or a name")
    parser.add_argument("second", type=Path, help="what went on from there; settings are its own")
    parser.add_argument("--share", type=float, default=0.5, help="of the second")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a checkpoint folder")
    parser.add_argument("--half", action="store_true", help="store in half precision")
    arguments = parser.parse_args()
    if arguments.output.exists():
        raise SystemExit(f"{arguments.output}: expected a new folder, found something there.")
    first, second = load_model(arguments.first), load_model(arguments.second)
    save_checkpoint(
        arguments.output,
        mean_of(first, second, share=arguments.share),
        config=second.config,
        skeleton=second.skeleton,
        step=second.step,
        metrics={},
        half=arguments.half,
    )
    print(arguments.output)


def mean_of(first: LoadedModel, second: LoadedModel, *, share: float) -> Student:
    """A student between both."""
    model, other = first.model, second.model
    if not isinstance(model, Student) or not isinstance(other, Student):
        raise SystemExit("Expected two students.")
    model.load_state_dict(
        {
            name: value
            if name.startswith("naming.") or not value.is_floating_point()
            else torch.lerp(value, other.state_dict()[name], share)
            for name, value in model.state_dict().items()
        }
    )
    model.calibration.fill_(1.0)
    model.power.fill_(1.0)
    return model


if __name__ == "__main__":
    main()
