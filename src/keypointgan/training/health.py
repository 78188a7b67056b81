"""What goes wrong in training, named while it happens, with what to do about it.

Every check is a pure function of figures that the loop has measured anyway; the release and its
rivals fail silently in all these ways (METHOD 6, point 7).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class HealthWarning:
    """One thing that goes wrong.

    Attributes:
        name: Short name, the same in every run.
        message: What is seen, what it means and what to do.
    """

    name: str
    message: str


@dataclass
class TrainingHealth:
    """Checks of the losses while training; counts for how long something has been wrong.

    Attributes:
        patience: Logged updates in a row before a warning, so that a bad moment is no alarm.
    """

    patience: int = 10
    _bad: dict[str, int] = field(default_factory=dict)

    def check_losses(self, losses: Mapping[str, float]) -> list[HealthWarning]:
        """Warnings that begin with this line of losses."""
        found = {}
        discriminator = losses.get("loss_discriminator", math.nan)
        adversarial = losses.get("loss_adversarial", math.nan)
        if discriminator < 0.02 and adversarial > 0.8:
            found["discriminator_won"] = (
                f"The discriminator has won: its loss is {discriminator:.3f} and the encoder's "
                f"{adversarial:.2f}, so the encoder learns nothing from it. Raise "
                "loss.discriminator_noise (0.3 is a good value), lower "
                "optimiser.discriminator_rate, or check that the prior looks like the object "
                "(keypointgan prior)."
            )
        norm = losses.get("norm_generator", 0.0)
        if norm > 1e4:
            found["gradient_explodes"] = (
                f"The encoder's gradient has a norm of {norm:.0f} before clipping. Lower "
                "optimiser.learning_rate or loss.reconstruction."
            )
        started = []
        for name, message in found.items():
            self._bad[name] = self._bad.get(name, 0) + 1
            if self._bad[name] == self.patience:
                started.append(HealthWarning(name, message))
        for name in list(self._bad):
            if name not in found:
                self._bad[name] = 0
        return started


def check_validation(
    figures: Mapping[str, float], *, pretrained_error: float
) -> list[HealthWarning]:
    """Warnings about the detector, from the figures of `validate`.

    Args:
        figures: What `validate` measured.
        pretrained_error: The regressor's error on held-out poses before training, % of the side.
    """
    warnings = []
    if figures["motion_frames"] < 0.002:
        warnings.append(
            HealthWarning(
                "frames_without_motion",
                "Frame and reference are the same picture, so the pose need not be learnt to "
                "rebuild one from the other. Raise data.gap, use clips in which the object moves, "
                "or set data.warp for photographs.",
            )
        )
    elif figures["motion_keypoints"] < 0.2 * figures["motion_prior"] / 10:
        warnings.append(
            HealthWarning(
                "keypoints_do_not_move",
                f"The keypoints move by {figures['motion_keypoints']:.2f} % of the image between "
                "frames that differ: the encoder draws the same pose for every frame. Lower "
                "loss.adversarial, or raise loss.reconstruction; check that the prior varies.",
            )
        )
    if figures["spread"] < 0.4 * figures["spread_prior"]:
        warnings.append(
            HealthWarning(
                "keypoints_at_the_centre",
                f"The keypoints lie within {figures['spread']:.1f} % of their middle, those of the "
                f"prior within {figures['spread_prior']:.1f} %: the skeleton has shrunk to a "
                "point. Raise loss.adversarial, or pre-train the regressor for longer.",
            )
        )
    if figures["on_motion"] < 0.8 and figures["motion_frames"] >= 0.002:
        warnings.append(
            HealthWarning(
                "keypoints_on_the_background",
                f"The picture changes {figures['on_motion']:.2f} times as much at the keypoints as "
                "elsewhere: they lie on the background. Place the prior where the object is "
                "(prior.extent, prior.centre), mask the background (data.mask_background) or raise "
                "loss.reconstruction.",
            )
        )
    if figures["regressor_error"] > max(2.0, 3 * pretrained_error):
        warnings.append(
            HealthWarning(
                "regressor_drifted",
                f"The regressor reads held-out prior poses with an error of "
                f"{figures['regressor_error']:.1f} % of the image, {pretrained_error:.1f} % after "
                "pre-training: it has drifted off the prior. Lower loss.regressor_cycle or "
                "optimiser.regressor_rate.",
            )
        )
    return warnings


def is_broken(losses: Mapping[str, float]) -> str | None:
    """The name of the first loss or gradient norm that is NaN or infinite, or None."""
    for name, value in losses.items():
        if name.startswith(("loss", "norm")) and not math.isfinite(value):
            return name
    return None
