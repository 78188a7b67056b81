"""Each warning by figures that deserve it, and by figures next to them that do not."""

import math

import pytest

from keypointgan.training.health import TrainingHealth, check_validation, is_broken

GOOD = {
    "motion_frames": 0.05,
    "motion_keypoints": 4.0,
    "motion_prior": 20.0,
    "spread": 15.0,
    "spread_prior": 16.0,
    "on_motion": 2.0,
    "regressor_error": 1.0,
}


def _names(**figures: float) -> list[str]:
    return [warning.name for warning in check_validation(GOOD | figures, pretrained_error=1.0)]


def test_a_healthy_detector_is_left_alone() -> None:
    assert _names() == []


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        ({"motion_frames": 0.001}, "frames_without_motion"),
        ({"motion_keypoints": 0.3}, "keypoints_do_not_move"),
        ({"spread": 6.0}, "keypoints_at_the_centre"),
        ({"on_motion": 0.7}, "keypoints_on_the_background"),
        ({"regressor_error": 3.5}, "regressor_drifted"),
    ],
)
def test_each_failure_has_its_warning(figures: dict[str, float], name: str) -> None:
    assert _names(**figures) == [name]


def test_still_frames_excuse_still_keypoints() -> None:
    assert _names(motion_frames=0.001, motion_keypoints=0.0, on_motion=0.0) == [
        "frames_without_motion"
    ]


def test_a_regressor_that_never_was_good_has_not_drifted() -> None:
    figures = GOOD | {"regressor_error": 8.0}
    assert check_validation(figures, pretrained_error=4.0) == []


def test_a_warning_says_what_to_do() -> None:
    for figures in ({"spread": 1.0}, {"on_motion": 0.1}, {"motion_keypoints": 0.0}):
        (warning,) = check_validation(GOOD | figures, pretrained_error=1.0)
        assert "loss." in warning.message


def test_a_discriminator_that_has_won_is_named_once_it_has_lasted() -> None:
    """Three lines in a row, not two; and not again while it lasts."""
    health = TrainingHealth(patience=3)
    won = {"loss_discriminator": 0.01, "loss_adversarial": 0.9, "norm_generator": 1.0}
    fair = won | {"loss_discriminator": 0.2}
    lines = [won, won, fair, won, won, won, won]
    found = [[warning.name for warning in health.check_losses(line)] for line in lines]
    assert found == [[], [], [], [], [], ["discriminator_won"], []]


def test_an_exploding_gradient_is_named() -> None:
    health = TrainingHealth(patience=1)
    (warning,) = health.check_losses({"norm_generator": 20_000.0})
    assert warning.name == "gradient_explodes"
    assert "20000" in warning.message


def test_losses_that_are_absent_warn_of_nothing() -> None:
    """As those of the supervised twin."""
    assert TrainingHealth(patience=1).check_losses({"loss_labelled": 0.1}) == []


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["loss_generator", "norm_generator"])
def test_a_loss_or_gradient_that_is_no_number_is_found(name: str, value: float) -> None:
    figures = {"loss_generator": 1.0, "norm_generator": 2.0, "loss_adversarial": 1.0}
    assert is_broken(figures) is None
    assert is_broken(figures | {name: value}) == name
