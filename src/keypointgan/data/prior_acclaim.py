"""Acclaim motion capture: the body (.asf) and its motions (.amc), as of the CMU database.

A bone has a direction and a length in the axes of the body at rest, and axes of its own C in which
its rotation is told: the rotation of bone b in the world is that of its parent times C R C⁻¹.
Acclaim turns vectors by x first, then y, then z: R = Rz Ry Rx.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.data.prior_mocap import Motion, Places, Rotations, axis_rotation
from keypointgan.errors import PriorError
from keypointgan.wording import counted

INCH = 0.0254
"""Metres; Acclaim's lengths are inches over the unit that the file tells."""


@dataclass
class _Bone:
    name: str
    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    order: str = "xyz"
    freedoms: tuple[str, ...] = ()
    parent: int = -1


@dataclass
class _Body:
    bones: list[_Bone]
    scale: float
    degrees: bool


def read_amc(path: Path) -> Motion:
    """Return the ends of the bones in every frame, in metres; `root` is the body's origin.

    Raises:
        PriorError: The motion or its body cannot be read.
    """
    body_file = find_body(path)
    body = _read_asf(body_file)
    frames = _read_frames(path, body)
    names = tuple(bone.name for bone in body.bones)
    return Motion(names, _follow(body, frames))


def find_body(path: Path) -> Path:
    """Return the .asf of an .amc: of the same name, of its part before "_", or the only one.

    Raises:
        PriorError: There is none, or there are several others.
    """
    bodies = {each.stem.lower(): each for each in sorted(path.parent.glob("*.[aA][sS][fF]"))}
    stems = (path.stem, path.stem.split("_")[0])
    for stem in stems:
        if stem.lower() in bodies:
            return bodies[stem.lower()]
    if len(bodies) == 1:
        return next(iter(bodies.values()))
    names = " or ".join(dict.fromkeys(f"{stem}.asf" for stem in stems))
    found = f"{len(bodies)} others" if bodies else "none"
    raise PriorError(f"{path}: expected the file of its body beside it ({names}), got {found}.")


def _read_asf(path: Path) -> _Body:
    sections: dict[str, list[list[str]]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            name = words[0][1:].lower()
            sections[name] = [words[1:]] if words[1:] else []
        else:
            sections.setdefault(name, []).append(words)
    for needed in ("root", "bonedata", "hierarchy"):
        if needed not in sections:
            raise PriorError(f"{path}: expected an ASF file with a section :{needed}, found none.")
    try:
        units = {words[0].lower(): words[1:] for words in sections.get("units", []) if words}
        root = _Bone("root")
        for words in sections["root"]:
            key = words[0].lower()
            if key == "order":
                root.freedoms = tuple(word.lower() for word in words[1:])
            elif key == "axis":
                root.order = words[1].lower()
            elif key == "orientation":
                root.axis = tuple(map(float, words[1:4]))
        bones = [root, *_read_bones(sections["bonedata"])]
        _join(bones, sections["hierarchy"])
        scale = INCH / float(units["length"][0]) if "length" in units else 1.0
    except (KeyError, ValueError, IndexError) as error:
        raise PriorError(f"{path}: expected an ASF file, but {error!r} went wrong.") from error
    return _Body(bones, scale, units.get("angle", ["deg"])[0].lower().startswith("deg"))


def _read_bones(lines: list[list[str]]) -> list[_Bone]:
    bones: list[_Bone] = []
    for words in lines:
        key, values = words[0].lower(), words[1:]
        if key == "begin":
            bones.append(_Bone(""))
        elif key == "name":
            bones[-1].name = values[0]
        elif key == "direction":
            bones[-1].direction = tuple(map(float, values[:3]))
        elif key == "length":
            bones[-1].length = float(values[0])
        elif key == "axis":
            bones[-1].axis = tuple(map(float, values[:3]))
            bones[-1].order = values[3].lower() if len(values) > 3 else "xyz"
        elif key == "dof":
            bones[-1].freedoms = tuple(value.lower() for value in values)
    return bones


def _join(bones: list[_Bone], lines: list[list[str]]) -> None:
    """Tell bones their parents and put parents first."""
    index = {bone.name: bone for bone in bones}
    order = ["root"]
    parents: dict[str, str] = {}
    for words in lines:
        if words[0].lower() in {"begin", "end"}:
            continue
        for child in words[1:]:
            parents[child] = words[0]
            order.append(child)
    for name in order[1:]:
        if order.index(parents[name]) > order.index(name):
            raise ValueError(f"{name} comes before {parents[name]} in the hierarchy")
    bones[:] = [index[name] for name in order]
    for bone in bones[1:]:
        bone.parent = order.index(parents[bone.name])


def _read_frames(path: Path, body: _Body) -> dict[str, Float64[ndarray, "frame freedom"]]:
    expected = {bone.name: len(bone.freedoms) for bone in body.bones}
    rows: dict[str, list[list[float]]] = {name: [] for name, count in expected.items() if count}
    frames = 0
    degrees = body.degrees
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            degrees = not words[0].upper().startswith(":RADIANS") and degrees
            continue
        if len(words) == 1 and words[0].isdigit():
            frames += 1
            continue
        name = words[0]
        try:
            if expected.get(name) != len(words) - 1 or not frames:
                raise ValueError
            rows[name].append([float(word) for word in words[1:]])
        except (ValueError, KeyError) as error:
            raise PriorError(
                f"{path}, line {number}: expected a bone of the body and its "
                f"{expected.get(name, 'few')} numbers, got '{line.strip()[:60]}'."
            ) from error
    for name, values in rows.items():
        if len(values) != frames or not frames:
            raise PriorError(
                f"{path}: expected {counted(frames, 'frame')} of every bone, got {len(values)} of "
                f"'{name}'. Is the file cut off?"
            )
    body.degrees = degrees
    return {name: np.array(values, np.float64) for name, values in rows.items()}


def _follow(body: _Body, frames: dict[str, Float64[ndarray, "frame freedom"]]) -> Places:
    count = len(next(iter(frames.values())))
    to_degrees = 1.0 if body.degrees else float(np.degrees(1.0))
    places = np.zeros((count, len(body.bones), 3))
    turns: list[Rotations] = []
    for index, bone in enumerate(body.bones):
        own = _turn(bone.order, np.tile(np.array(bone.axis) * to_degrees, (count, 1)))
        turn = np.tile(np.eye(3), (count, 1, 1))
        moved = np.zeros((count, 3))
        for column, freedom in enumerate(bone.freedoms):
            values = frames[bone.name][:, column]
            if freedom.startswith("r"):
                turn = axis_rotation(freedom[1], values * to_degrees) @ turn
            elif freedom.startswith("t"):
                moved[:, "xyz".index(freedom[1])] = values
        turn = own @ turn @ own.transpose(0, 2, 1)
        if bone.parent < 0:
            places[:, index] = moved
            turns.append(turn)
        else:
            turns.append(turns[bone.parent] @ turn)
            bone_vector = np.array(bone.direction) * bone.length
            places[:, index] = places[:, bone.parent] + turns[index] @ bone_vector
    return places * body.scale


def _turn(order: str, degrees: Float64[ndarray, "frame 3"]) -> Rotations:
    """Return the rotation by x first, then y, then z, for the order xyz."""
    turn = np.tile(np.eye(3), (len(degrees), 1, 1))
    for column, axis in enumerate(order):
        turn = axis_rotation(axis, degrees[:, column]) @ turn
    return turn
