"""A figure says what it describes, and names what is wrong in it with its nearest neighbour."""

from typing import Any

import pytest

from keypointgan.errors import SkeletonError
from keypointgan.skeleton_figure import Bands, Figure, Part, Tone
from keypointgan.skeletons import Skeleton

JOINTS = ("nose", "left_ear", "right_ear", "tail")
MIRROR = (0, 2, 1, 3)
BODY = {"name": "body", "path": ["nose", "tail"], "width": 0.3}


def _figure(*parts: object, **values: object) -> Figure:
    described = {"unit": ["nose", "tail"], "parts": list(parts) or [BODY], **values}
    return Figure.from_dict(described, joints=JOINTS, where="mouse, figure")


def test_a_number_is_a_range_that_does_not_vary() -> None:
    assert _figure().parts == (Part("body", path=((0,), (3,)), width=((0.3, 0.3),)),)


def test_a_part_has_what_is_said_of_it_and_defaults_else() -> None:
    part = {
        "name": "back",
        "shape": "stroke",
        "path": [["left_ear", "right_ear"], "tail"],
        "width": [[0.1, 0.2], 0.3],
        "tone": "fur",
        "reach": [0.1, [-0.2, 0.0]],
        "bend": 0.1,
        "fade": [0.5, 1],
        "bands": {"number": 4},
    }
    figure = _figure(part, tones={"fur": {"value": [0.1, 0.2]}}, others=0.25)
    assert figure.tones == {"fur": Tone(value=(0.1, 0.2))}
    assert figure.others == 0.25
    assert figure.parts[0] == Part(
        name="back",
        path=((1, 2), (3,)),
        width=((0.1, 0.2), (0.3, 0.3)),
        tone="fur",
        reach=((0.1, 0.1), (-0.2, 0.0)),
        bend=0.1,
        fade=(0.5, 1.0),
        bands=Bands(number=(4.0, 4.0)),
    )


@pytest.mark.parametrize(
    ("path", "sides"),
    [
        (["nose", "tail"], [((0,), (3,))]),
        (["left_ear"], [((1,),), ((2,),)]),
        (["nose", "right_ear"], [((0,), (2,)), ((0,), (1,))]),
        (["left_ear", "right_ear"], [((1,), (2,))]),
        ([["right_ear", "left_ear"], "tail"], [((1, 2), (3,))]),
    ],
)
def test_a_part_of_one_side_is_there_on_both(path: list[Any], sides: list[Any]) -> None:
    """Not a part in the middle, nor one from the left to the right."""
    (part,) = _figure(BODY | {"path": path}).parts
    assert list(part.sides(MIRROR)) == sides


def test_a_figure_survives_the_way_through_a_dictionary() -> None:
    fly = Skeleton.load("fly13")
    assert fly.figure is not None
    assert Skeleton.from_dict(fly.to_dict()) == fly


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"patrs": []}, "unknown key 'patrs'. Did you mean 'parts'"),
        ({"unit": ["nose", "tial"]}, "'tial' is not among the joints. Did you mean 'tail'"),
        ({"unit": ["nose"]}, "'unit' expects two joints"),
        ({"parts": []}, "'parts' expects a list of parts"),
        ({"others": 2}, r"'others' expects a number or a range .* from 0 to 1, got 2"),
        ({"tones": {"fur": {"valeu": 1}}}, "tone 'fur': unknown key 'valeu'. Did you mean 'value'"),
        ({"tones": {"fur": {"value": [0.5, 0.1]}}}, r"tone 'fur': 'value' expects .*got \[0.5"),
        ({"tones": {"fur": 0.5}}, "tone 'fur': expected a mapping"),
    ],
)
def test_what_is_wrong_in_a_figure_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(SkeletonError, match=f"^mouse, figure.*{message}"):
        _figure(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 1}, "unknown key 'widht'. Did you mean 'width'"),
        ({"path": ["nose", "tial"]}, "'tial' is not among the joints. Did you mean 'tail'"),
        ({"path": "nose"}, "expected a list of joints, got 'nose'"),
        ({"shape": "elipse"}, "'shape' is one of stroke, ellipse, got 'elipse'"),
        ({"tone": "furr"}, "'furr' is not among the tones. Did you mean 'fur'"),
        ({"width": [[0.1, 0.2], [0.1, 0.2], [0.1, 0.2]]}, "'width' expects one, or one for each"),
        ({"width": "wide"}, "'width' expects a number or a range"),
        ({"reach": [1, 2, 3]}, "'reach' is for the two ends"),
        ({"bands": {"numbr": 3}}, "bands: unknown key 'numbr'. Did you mean 'number'"),
        (
            {"shape": "ellipse", "path": ["nose", "left_ear", "tail"]},
            "an ellipse has a path of one or two places, got 3",
        ),
    ],
)
def test_what_is_wrong_in_a_part_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(SkeletonError, match=rf"^mouse, figure, part 'body'.*{message}"):
        _figure(BODY | values, tones={"fur": {}})


@pytest.mark.parametrize("key", ["path", "width"])
def test_a_part_needs_a_path_and_a_width(key: str) -> None:
    with pytest.raises(SkeletonError, match=f"part 'body': expected the key '{key}'"):
        _figure({name: value for name, value in BODY.items() if name != key})


def test_a_skeleton_without_a_figure_does_not_mention_it() -> None:
    assert "figure" not in Skeleton.load("h36m17").to_dict()
