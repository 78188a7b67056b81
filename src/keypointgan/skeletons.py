"""Skeletons: named joints, the links drawn between them, which joint mirrors which.

Built-in skeletons are the YAML files in `skeleton_files`; a user's own is a path to such a file:

```yaml
name: stick
description: Two joints and the bar between them.
joints: [left_end, right_end, tip]
pairs: [[left_end, right_end]]      # left first, right second
links:
  - [left_end, tip]                 # a side is derived from the joints: left, right or middle
  - [[left_end, right_end], tip]    # an end may be the mean of several joints
colours: {left: "#ff7f0e", right: "#1f77b4", middle: "#2ca02c"}   # optional
source: Where the joints are defined.                             # optional
```

A section `figure` says what the object looks like, for drawn animals: see `skeleton_figure`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from keypointgan.errors import SkeletonError
from keypointgan.skeleton_figure import Figure

Side = Literal["left", "right", "middle"]
LinkEnd = tuple[int, ...]
"""Indices of the joints whose mean is the end of a link; usually one."""
Link = tuple[LinkEnd, LinkEnd]

SIDES: tuple[Side, ...] = ("left", "right", "middle")
COLOURS: dict[Side, str] = {"left": "#ff7f0e", "right": "#1f9bff", "middle": "#3fb950"}


@dataclass(frozen=True)
class Skeleton:
    """Joints of an object category and how they hang together.

    Attributes:
        name: Short name, such as `h36m17`.
        joints: Names of the joints, in the order of every keypoint array.
        links: Pairs of ends; an end is the mean of one or more joints, by index.
        pairs: (left, right) indices of joints that a mirror exchanges.
        description: One line for people.
        source: Where the joints are defined.
        colours: Hex colour of each side, for drawings.
        figure: What the object looks like, roughly; not every skeleton says it.
    """

    name: str
    joints: tuple[str, ...]
    links: tuple[Link, ...]
    pairs: tuple[tuple[int, int], ...] = ()
    description: str = ""
    source: str = ""
    colours: Mapping[Side, str] = field(default_factory=lambda: dict(COLOURS), hash=False)
    figure: Figure | None = None

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Skeleton":
        """Return the built-in skeleton of that name, or the one described in that YAML file.

        Raises:
            SkeletonError: No such name or file, or the file is wrong.
        """
        built_in = files("keypointgan") / "skeleton_files" / f"{name_or_path}.yaml"
        if str(name_or_path) in list_skeletons():
            return cls.from_yaml(built_in.read_text(encoding="utf-8"), where=str(name_or_path))
        path = Path(name_or_path)
        if path.suffix in {".yaml", ".yml"} and path.is_file():
            return cls.from_yaml(path.read_text(encoding="utf-8"), where=str(path))
        near = get_close_matches(str(name_or_path), list_skeletons(), n=1, cutoff=0.4)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise SkeletonError(
            f"Expected the name of a built-in skeleton ({', '.join(list_skeletons())}) or the "
            f"path of a YAML file, got '{name_or_path}'. {hint}"
            "'keypointgan skeletons' describes the built-in ones."
        )

    @classmethod
    def from_yaml(cls, text: str, *, where: str = "skeleton") -> "Skeleton":
        """Return the skeleton that `text` describes; `where` names it in errors.

        Raises:
            SkeletonError: The text is no YAML mapping or describes no valid skeleton.
        """
        try:
            values = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SkeletonError(f"{where}: expected a YAML file, got {error}.") from error
        if not isinstance(values, dict):
            raise SkeletonError(f"{where}: expected a mapping with 'name', 'joints' and 'links'.")
        return cls.from_dict(values, where=where)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "skeleton") -> "Skeleton":
        """Return the skeleton of a mapping as in the YAML files (joints by name).

        Raises:
            SkeletonError: A key is missing or unknown, or a joint is used that is not listed.
        """
        known = {"name", "joints", "links", "pairs", "description", "source", "colours", "figure"}
        for key in values:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                raise SkeletonError(f"{where}: unknown key '{key}'.{hint}")
        for key in ("name", "joints", "links"):
            if key not in values or (key != "links" and not values[key]):  # points have no links
                raise SkeletonError(f"{where}: expected the key '{key}' with a value.")
        joints = tuple(str(joint) for joint in values["joints"])
        if len(set(joints)) != len(joints):
            twice = sorted({joint for joint in joints if joints.count(joint) > 1})
            raise SkeletonError(f"{where}: joints are listed more than once: {', '.join(twice)}.")
        places = {joint: index for index, joint in enumerate(joints)}

        def index(joint: object) -> int:
            if joint not in places:
                near = get_close_matches(str(joint), joints, n=1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                raise SkeletonError(f"{where}: '{joint}' is not among the joints.{hint}")
            return places[str(joint)]

        def end(value: object) -> LinkEnd:
            return tuple(index(joint) for joint in (value if isinstance(value, list) else [value]))

        for key in ("links", "pairs"):
            for pair in values.get(key) or []:
                if not isinstance(pair, list | tuple) or len(pair) != 2:
                    raise SkeletonError(f"{where}: '{key}' holds pairs, got {pair!r}.")
        colours = dict(values.get("colours") or {})
        for side in colours:
            if side not in SIDES:
                raise SkeletonError(
                    f"{where}: colours are for left, right and middle, got '{side}'."
                )
        return cls(
            name=str(values["name"]),
            joints=joints,
            links=tuple((end(start), end(stop)) for start, stop in values["links"] or []),
            pairs=tuple((index(left), index(right)) for left, right in values.get("pairs") or []),
            description=str(values.get("description", "")),
            source=str(values.get("source", "")),
            colours={**COLOURS, **colours},
            figure=Figure.from_dict(values["figure"], joints=joints, where=f"{where}, figure")
            if values.get("figure") is not None
            else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the mapping that `from_dict` reads, for JSON and YAML."""

        def end(indices: LinkEnd) -> str | list[str]:
            names = [self.joints[index] for index in indices]
            return names[0] if len(names) == 1 else names

        described = {} if self.figure is None else {"figure": self.figure.to_dict(self.joints)}
        return {
            "name": self.name,
            "description": self.description,
            "source": self.source,
            "joints": list(self.joints),
            "pairs": [[self.joints[left], self.joints[right]] for left, right in self.pairs],
            "links": [[end(start), end(stop)] for start, stop in self.links],
            "colours": dict(self.colours),
            **described,
        }

    @property
    def num_joints(self) -> int:
        """Number of joints, K in the paper."""
        return len(self.joints)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each joint the index of the one that a left/right mirror puts in its place."""
        order = list(range(self.num_joints))
        for left, right in self.pairs:
            order[left], order[right] = right, left
        return tuple(order)

    @cached_property
    def joint_sides(self) -> tuple[Side, ...]:
        """The side of each joint."""
        sides: list[Side] = ["middle"] * self.num_joints
        for left, right in self.pairs:
            sides[left], sides[right] = "left", "right"
        return tuple(sides)

    @cached_property
    def link_sides(self) -> tuple[Side, ...]:
        """The side of each link: that of its joints, `middle` where they disagree.

        A link between a middle joint and one of a side belongs to that side.
        """
        return tuple(
            self._side_of({side for end in link for side in self._end_sides(end)})
            for link in self.links
        )

    @cached_property
    def link_groups(self) -> tuple[int, ...]:
        """The channel of each link when sides are drawn apart: 0 left, 1 right, 2 middle."""
        return tuple(SIDES.index(side) for side in self.link_sides)

    def index_of(self, joint: str) -> int:
        """Return the index of a joint.

        Raises:
            SkeletonError: The skeleton has no such joint.
        """
        if joint not in self.joints:
            near = get_close_matches(joint, self.joints, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise SkeletonError(f"The skeleton '{self.name}' has no joint '{joint}'.{hint}")
        return self.joints.index(joint)

    def _end_sides(self, end: LinkEnd) -> set[Side]:
        sides = {self.joint_sides[joint] for joint in end}
        return sides if len(sides) == 1 else {"middle"}  # the mean of left and right is middle

    @staticmethod
    def _side_of(sides: Iterable[Side]) -> Side:
        lateral = set(sides) - {"middle"}
        return lateral.pop() if len(lateral) == 1 else "middle"


def list_skeletons() -> list[str]:
    """Return the names of the built-in skeletons."""
    folder = files("keypointgan") / "skeleton_files"
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )
