"""What an animal looks like, roughly: the section `figure` of a skeleton's YAML.

Parts are painted one over the other in the order of the list, each along a path of joints. A part
with joints of one side is painted on the other side too:

```yaml
figure:
  unit: [snout, tail_base]        # the length that widths and reaches are shares of
  others: 0.2                     # share of frames that show a part of another animal
  tones:
    fur: {value: [0.1, 0.6], saturation: [0.0, 0.2]}       # hue, saturation, value: from 0 to 1
  parts:
    - {name: tail, path: [tail_base, tail_tip], width: 0.05, bend: 0.1}
    - {name: body, path: [neck, tail_base], width: [[0.2, 0.3], [0.3, 0.4]], tone: fur}
    - {name: ear, shape: ellipse, path: [left_ear], width: [0.1, 0.2], tone: fur}   # both ears
```

A number may be a range `[low, high]`, from which each figure takes its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Literal

from keypointgan.errors import SkeletonError

Range = tuple[float, float]
"""The least and the most; equal for a number that does not vary."""
Place = tuple[int, ...]
"""Indices of the joints whose mean it is; a joint that is named twice counts twice."""
Shape = Literal["stroke", "ellipse"]

SHAPES: tuple[Shape, ...] = ("stroke", "ellipse")


@dataclass(frozen=True)
class Tone:
    """Colours that a part may have, as ranges of hue, saturation and value from 0 to 1."""

    hue: Range = (0.0, 1.0)
    saturation: Range = (0.0, 0.3)
    value: Range = (0.05, 0.95)


@dataclass(frozen=True)
class Bands:
    """Dark stripes across a part.

    Attributes:
        number: How many there are along its path.
        strength: How dark they are: 0 invisible, 1 black.
    """

    number: Range = (3.0, 6.0)
    strength: Range = (0.0, 0.5)


@dataclass(frozen=True)
class Part:
    """A part of the figure, along a path of joints.

    Attributes:
        name: For errors.
        path: The places that it passes.
        width: Across the path, in units: one range, or one for each place.
        shape: A stroke with round ends through any number of places, or an ellipse whose long
            axis is the path between two; at a single place both are a disc.
        tone: Which of the figure's tones; parts of one tone have one colour. None: any colour.
        reach: How far it goes beyond the first and the last place, in units; below 0: short of it.
        bend: Spread of how far the middle between two places lies aside, as share of their
            distance.
        opacity: 1 hides what is behind it.
        fade: Brightness at the last place over that at the first.
        bands: Stripes across it; none unless described.
        chance: Share of figures that have this part.
    """

    name: str
    path: tuple[Place, ...]
    width: tuple[Range, ...]
    shape: Shape = "stroke"
    tone: str | None = None
    reach: tuple[Range, Range] = ((0.0, 0.0), (0.0, 0.0))
    bend: float = 0.0
    opacity: Range = (1.0, 1.0)
    fade: Range = (1.0, 1.0)
    bands: Bands | None = None
    chance: float = 1.0

    def sides(self, mirror: tuple[int, ...]) -> tuple[tuple[Place, ...], ...]:
        """Its path, and that of its mirror image where it is another one."""
        path = tuple(tuple(sorted(place)) for place in self.path)
        mirrored = tuple(tuple(sorted(mirror[joint] for joint in place)) for place in path)
        return (path,) if mirrored in (path, path[::-1]) else (path, mirrored)


@dataclass(frozen=True)
class Figure:
    """What a skeleton's object looks like.

    Attributes:
        unit: The two places whose distance is the unit of lengths.
        parts: From the lowest to the uppermost.
        tones: Colours by name.
        others: Share of frames with a part of another animal in them.
    """

    unit: tuple[Place, Place]
    parts: tuple[Part, ...]
    tones: Mapping[str, Tone] = field(default_factory=dict, hash=False)
    others: float = 0.0

    @classmethod
    def from_dict(cls, values: object, *, joints: tuple[str, ...], where: str) -> "Figure":
        """Return the figure of a mapping as in the YAML files.

        Raises:
            SkeletonError: A key is missing or unknown, a joint or a tone is not there, or a number
                is out of its range.
        """
        reader = _Reader(joints, where)
        known = reader.mapping(values, known=_names(cls), needed=("unit", "parts"))
        unit = reader.path(known["unit"])
        if len(unit) != 2:
            raise reader.error(f"'unit' expects two joints, got {known['unit']!r}")
        tones = {
            str(name): reader.inside(f"tone '{name}'").tone(tone)
            for name, tone in reader.mapping(known.get("tones") or {}).items()
        }
        listed = known["parts"]
        if not isinstance(listed, list) or not listed:
            raise reader.error(f"'parts' expects a list of parts, got {listed!r}")
        parts = tuple(reader.part(part, tones=tuple(tones)) for part in listed)
        return cls(unit=(unit[0], unit[1]), parts=parts, tones=tones, others=reader.share(known))

    def to_dict(self, joints: tuple[str, ...]) -> dict[str, Any]:
        """Return the mapping that `from_dict` reads."""

        def place(indices: Place) -> str | list[str]:
            names = [joints[index] for index in indices]
            return names[0] if len(names) == 1 else names

        def part(described: Part) -> dict[str, Any]:
            values = _plain(described) | {"path": [place(point) for point in described.path]}
            return {key: value for key, value in values.items() if value is not None}

        return {
            "unit": [place(point) for point in self.unit],
            "others": self.others,
            "tones": {name: _plain(tone) for name, tone in self.tones.items()},
            "parts": [part(described) for described in self.parts],
        }


@dataclass(frozen=True)
class _Reader:
    """Reads values of a YAML file and says in errors where they stand."""

    joints: tuple[str, ...]
    where: str

    def inside(self, name: str) -> "_Reader":
        return _Reader(self.joints, f"{self.where}, {name}")

    def error(self, message: str, *, got: object = None, known: tuple[str, ...] = ()) -> Exception:
        near = get_close_matches(str(got), known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return SkeletonError(f"{self.where}: {message}.{hint}")

    def mapping(
        self, values: object, *, known: tuple[str, ...] = (), needed: tuple[str, ...] = ()
    ) -> Mapping[str, Any]:
        if not isinstance(values, Mapping):
            raise self.error(f"expected a mapping of names to values, got {values!r}")
        for key in values:
            if known and key not in known:
                raise self.error(f"unknown key '{key}'", got=key, known=known)
        for key in needed:
            if key not in values:
                raise self.error(f"expected the key '{key}'")
        return values

    def part(self, values: object, *, tones: tuple[str, ...]) -> Part:
        name = values.get("name") if isinstance(values, Mapping) else None
        reader = self.inside(f"part '{name}'" if name else "a part without a name")
        known = reader.mapping(values, known=_names(Part), needed=("name", "path", "width"))
        shape = known.get("shape", "stroke")
        if shape not in SHAPES:
            raise reader.error(f"'shape' is one of {', '.join(SHAPES)}, got {shape!r}")
        tone = known.get("tone")
        if tone is not None and tone not in tones:
            raise reader.error(f"'{tone}' is not among the tones", got=tone, known=tones)
        path = reader.path(known["path"])
        if shape == "ellipse" and len(path) > 2:
            raise reader.error(f"an ellipse has a path of one or two places, got {len(path)}")
        bands = known.get("bands")
        return Part(
            name=str(name),
            path=path,
            width=reader.width(known["width"], shape=shape, places=len(path)),
            shape=shape,
            tone=tone,
            reach=reader.reach(known.get("reach", 0.0)),
            bend=reader.number(known.get("bend", 0.0), "bend", low=0.0, high=1.0)[1],
            opacity=reader.number(known.get("opacity", 1.0), "opacity", low=0.0, high=1.0),
            fade=reader.number(known.get("fade", 1.0), "fade", low=0.0, high=10.0),
            bands=None if bands is None else reader.inside("bands").bands(bands),
            chance=reader.number(known.get("chance", 1.0), "chance", low=0.0, high=1.0)[1],
        )

    def path(self, values: object) -> tuple[Place, ...]:
        if not isinstance(values, list | tuple) or not values:
            raise self.error(f"expected a list of joints, got {values!r}")
        return tuple(self.place(value) for value in values)

    def place(self, value: object) -> Place:
        names = value if isinstance(value, list | tuple) else [value]
        for name in names:
            if name not in self.joints:
                raise self.error(f"'{name}' is not among the joints", got=name, known=self.joints)
        return tuple(self.joints.index(name) for name in names)

    def width(self, value: object, *, shape: Shape, places: int) -> tuple[Range, ...]:
        nested = isinstance(value, list | tuple) and any(
            isinstance(entry, list | tuple) for entry in value
        )
        values = list(value) if nested and isinstance(value, list | tuple) else [value]
        if len(values) not in ({1} if shape == "ellipse" else {1, places}):
            wanted = "one" if shape == "ellipse" else f"one, or one for each of {places} places"
            raise self.error(f"'width' expects {wanted}, got {len(values)}")
        return tuple(self.number(entry, "width", low=0.0, high=10.0) for entry in values)

    def reach(self, value: object) -> tuple[Range, Range]:
        if isinstance(value, list | tuple):
            if len(value) != 2:
                raise self.error(f"'reach' is for the two ends, got {value!r}")
            first, last = (self.number(end, "reach", low=-10.0, high=10.0) for end in value)
            return first, last
        both = self.number(value, "reach", low=-10.0, high=10.0)
        return both, both

    def bands(self, values: object) -> Bands:
        known = self.mapping(values, known=_names(Bands))
        return Bands(
            number=self.number(known.get("number", Bands.number), "number", low=0.0, high=100.0),
            strength=self.number(known.get("strength", Bands.strength), "strength"),
        )

    def tone(self, values: object) -> Tone:
        known = self.mapping(values, known=_names(Tone))
        ranges = {key: self.number(value, key) for key, value in known.items()}
        return Tone(**ranges)

    def share(self, values: Mapping[str, Any]) -> float:
        return self.number(values.get("others", 0.0), "others")[1]

    def number(self, value: object, name: str, *, low: float = 0.0, high: float = 1.0) -> Range:
        """A number or a range, between `low` and `high`."""
        ends = value if isinstance(value, list | tuple) else [value, value]
        numbers = [end for end in ends if isinstance(end, int | float)]
        if len(numbers) != 2 or len(ends) != 2 or not low <= numbers[0] <= numbers[1] <= high:
            raise self.error(
                f"'{name}' expects a number or a range [low, high] from {low:g} to {high:g}, "
                f"got {value!r}"
            )
        return float(numbers[0]), float(numbers[1])


def _names(record: type[Any]) -> tuple[str, ...]:
    return tuple(entry.name for entry in fields(record))


def _plain(record: Any) -> dict[str, Any]:
    """A record as a mapping of lists and numbers."""
    return {name: _listed(getattr(record, name)) for name in _names(type(record))}


def _listed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_listed(entry) for entry in value]
    return _plain(value) if isinstance(value, Bands) else value
