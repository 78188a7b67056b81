"""Tables of numbers as text, a million lines at a time: what all CSV formats share."""

import csv
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.errors import DataError

CHUNK = 2000
"""Lines written at once."""


def quoted(cells: Iterable[str]) -> str:
    """Return cells as a line of a CSV file, without its end, quoted where they must be."""
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if re.search(r'[",\n\r]', cell) else cell
        for cell in cells
    )


def split(line: str) -> list[str]:
    """Return the cells of a line of a CSV file."""
    return next(csv.reader([line.rstrip("\r\n")]), [])


def shown(header: Sequence[str]) -> str:
    """Return what a header is like, for errors: its first columns, or how its cells are parted."""
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            return f"cells parted by {name}: save it with commas between them, points in numbers"
    return ", ".join(header[:4]) + (", ..." if len(header) > 4 else "") or "nothing"


def write_rows(
    file: TextIO,
    values: Float64[ndarray, "row part column"],
    labels: Sequence[str] = (),
    *,
    first: int = 0,
) -> None:
    """Write for each row and part a line: the row's number, the part's label, and its values.

    Values have four decimals; what is NaN is an empty cell.

    Args:
        file: Where to write.
        values: The numbers.
        labels: A cell for each part; no such cell without.
        first: The number of the first row.
    """
    rows, parts, columns = values.shape
    cells = ",%.4f" * columns
    # A label is put in last, so that the NaN in "nancy" stays.
    places = [f",\0{part}\0" if labels else "" for part in range(parts)]
    line = "".join(f"%d{place}{cells}\n" for place in places)
    for start in range(0, rows, CHUNK):
        chunk = values[start : start + CHUNK]
        numbers = np.arange(first + start, first + start + len(chunk), dtype=np.float64)
        numbers = np.broadcast_to(numbers[:, None, None], (len(chunk), parts, 1))
        chunk = np.concatenate([numbers, chunk], axis=2)
        text = (line * len(chunk)) % tuple(chunk.ravel().tolist())
        text = text.replace(",nan", ",")
        for part, label in enumerate(labels):
            text = text.replace(places[part], f",{quoted([label])}")
        file.write(text)


def read_rows(
    lines: Iterable[str], *, before: int, columns: int, where: str, first: int
) -> tuple[list[list[str]], Float64[ndarray, "row column"]]:
    """Return the columns before the numbers, as text, and the numbers; NaN for empty cells.

    Args:
        lines: Lines of a CSV file, without its header.
        before: How many cells come before the numbers.
        columns: How many numbers there are in a line.
        where: The file, for errors.
        first: The number of the first line, for errors.

    Raises:
        DataError: A line has another number of cells, or a cell is no number.
    """
    heads: list[list[str]] = [[] for _ in range(before)]
    places = array("q")  # of the lines that are not empty

    def numbers() -> Iterator[str]:
        for number, line in enumerate(lines, start=first):
            line = line.rstrip("\r\n")
            if not line:
                continue
            *head, rest = line.split(",", before) if '"' not in line else _split_quoted(line)
            if len(head) != before or rest.count(",") != columns - 1:
                raise DataError(
                    f"{where}, line {number}: expected {before + columns} cells, as the header "
                    f"has, got {line.count(',') + 1}."
                )
            places.append(number)
            for column, cell in zip(heads, head, strict=True):
                column.append(cell)
            if ",," in rest or rest[0] == "," or rest[-1] == ",":
                rest = ",".join(cell or "nan" for cell in rest.split(","))
            yield rest

    def _split_quoted(line: str) -> list[str]:
        cells = split(line)
        return [*cells[:before], ",".join(cells[before:])]

    found = numbers()
    start = next(found, None)
    if start is None:
        return heads, np.zeros((0, columns))
    try:
        values = np.loadtxt(_chain(start, found), delimiter=",", ndmin=2)
    except ValueError as error:
        bad = re.search(r"string (.*) to float64 at row (\d+), column (\d+)", str(error))
        if bad is None:
            raise DataError(f"{where}: expected a number in each cell, got {error}.") from error
        raise DataError(
            f"{where}, line {places[int(bad[2])]}: expected a number in column "
            f"{before + int(bad[3])}, got {bad[1]}."
        ) from error
    return heads, values


def _chain(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others


def to_frame_numbers(cells: Sequence[str], *, where: str) -> ndarray:
    """Return the numbers of the frames that the cells of a column name.

    Raises:
        DataError: A cell is no whole number from 0 on.
    """
    try:
        numbers = np.array([int(float(cell)) for cell in cells], np.int64)
    except ValueError as error:
        raise DataError(f"{where}: expected the number of a frame ({error}).") from error
    if (numbers < 0).any():
        raise DataError(f"{where}: expected numbers of frames from 0 on, got {numbers.min()}.")
    return numbers
