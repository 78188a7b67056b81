"""Every setting of a run, and which of them go together.

The sections are in `settings` and `student_settings`; the recipes in `recipes/`, read by
`keypointgan.recipe`, hold what differs from their defaults.
"""

from typing import Any, Self

import yaml
from pydantic import model_validator

from keypointgan.settings import (
    DataConfig,
    EquivarianceConfig,
    FiguresConfig,
    LossConfig,
    ModelConfig,
    OptimiserConfig,
    PretrainConfig,
    PriorConfig,
    Settings,
    TrainingConfig,
)
from keypointgan.student_settings import StudentConfig


class Config(Settings):
    """All settings of a run."""

    data: DataConfig = DataConfig()
    """The unlabelled videos."""
    prior: PriorConfig = PriorConfig()
    """The unpaired poses."""
    model: ModelConfig = ModelConfig()
    """The networks."""
    loss: LossConfig = LossConfig()
    """The objective."""
    equivariance: EquivarianceConfig = EquivarianceConfig()
    """Moved frames."""
    figures: FiguresConfig = FiguresConfig()
    """Drawn figures."""
    student: StudentConfig = StudentConfig()
    """The student."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """The updates."""
    pretrain: PretrainConfig = PretrainConfig()
    """The first phase."""
    training: TrainingConfig = TrainingConfig()
    """The loop."""

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.data.gap[0] > self.data.gap[1]:
            raise ValueError(f"data.gap: expected (least, most), got {self.data.gap}")
        if self.data.gap[1] == 0 and not self.data.warp:
            raise ValueError(
                "data.gap: expected frames and references that differ, got (0, 0), which needs "
                "data.warp"
            )
        if self.model.background != "rebuilt" and self.model.preset != "compact":
            raise ValueError(
                "model.background: expected 'rebuilt' for the release's decoder, got "
                f"'{self.model.background}'; set model.preset to 'compact'"
            )
        if self.model.background == "plate" and (self.data.warp or self.data.mask_background):
            raise ValueError(
                "model.background: expected no 'plate' with data.warp or data.mask_background, "
                "which leave no still background; choose 'rebuilt'"
            )
        if self.loss.features == "squeezenet" and self.loss.features_weights is None:
            raise ValueError(
                "loss.features_weights: expected the path of SqueezeNet's weights, got none"
            )
        if self.student.backbone_weights and self.student.backbone != "mobilenet_v2":
            raise ValueError(
                "student.backbone_weights: expected student.backbone to be 'mobilenet_v2', whose "
                f"weights they are, got '{self.student.backbone}'"
            )
        if self.student.backbone_weights and self.student.start:
            raise ValueError(
                "student.start: expected none with student.backbone_weights, as a student begins "
                f"with either, got '{self.student.start}'"
            )
        if self.training.supervised and self.training.supervised_labels is None:
            raise ValueError(
                "training.supervised_labels: expected the labels of the training clips, got none"
            )
        return self

    def for_student(self) -> Self:
        """The settings with those of the student's loop in the place of the method's."""
        loop = {"steps": self.student.steps, "batch_size": self.student.batch_size}
        return self.model_copy(update={"training": self.training.model_copy(update=loop)})

    def to_yaml(self) -> str:
        """Return the settings as YAML that `load_config` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def differences(self, other: "Config") -> dict[str, tuple[Any, Any]]:
        """Return the settings that differ, by dotted key: our value and that of `other`."""
        ours, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return {
            f"{section}.{name}": (value, theirs[section][name])
            for section, settings in ours.items()
            for name, value in settings.items()
            if value != theirs[section][name]
        }
