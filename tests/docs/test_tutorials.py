"""The tutorials do what they say: their blocks are run, one after the other, in an empty folder.

What a page says to a reader and what is run differ only where a comment says so:

    <!-- not run: why -->        the next block is not run; its commands are checked for options
    <!-- run instead: ... -->    the next block is replaced by this code, a shorter way to the same
    <!-- run: ... -->            code that is run here and not shown

Code in a comment is Python, or commands if it begins with `keypointgan`. Commands run in this
process.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from keypointgan.cli import app, main
from keypointgan.commands import demo

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "tutorial.md", *sorted((DOCS / "tutorials").glob("*.md"))]
_PART = re.compile(
    r"<!-- (?P<what>not run|run instead|run): ?(?P<inside>.*?)-->"
    r"|^ *```(?P<language>python|bash)\n(?P<code>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """Code of a page: what is shown, and whether it is run as it is."""

    line: int
    language: str
    code: str
    run: bool = True


def blocks_of(page: Path) -> list[Block]:
    """The code of a page in its order."""
    text = page.read_text(encoding="utf-8")
    blocks = []
    before = ""
    for part in _PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if what := part["what"]:
            inside = part["inside"].strip()
            if what != "not run":
                language = "bash" if inside.startswith("keypointgan") else "python"
                blocks.append(Block(line, language, inside))
            before = what
            continue
        shown = before not in {"not run", "run instead"}
        blocks.append(Block(line, part["language"], part["code"], run=shown))
        before = ""
    return blocks


def commands_of(code: str) -> list[list[str]]:
    """The words of each command, continued lines joined and comments left out."""
    lines = code.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def run_command(words: list[str]) -> None:
    assert words[0] == "keypointgan", f"only our own commands are run, got {' '.join(words)}"
    with pytest.raises(SystemExit) as stop:
        main(words[1:])
    assert not stop.value.code, f"{' '.join(words)} ended with exit code {stop.value.code}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_tutorial_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "TEST_CLIPS", 3)
    monkeypatch.setattr(demo, "PRIOR_POSES", 200)
    names: dict[str, Any] = {}
    for block in blocks_of(page):
        if not block.run:
            continue
        if block.language == "bash":
            for words in commands_of(block.code):
                run_command(words)
        else:  # line numbers of the page in a traceback
            source = "\n" * block.line + block.code
            exec(compile(source, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_shown_has_the_options_it_is_shown_with(page: Path) -> None:
    """Also those that take too long to run: they are parsed, not carried out."""
    for block in blocks_of(page):
        if block.language != "bash":
            continue
        for words in commands_of(block.code):
            if words[0] == "keypointgan":
                parse(words[1:])


def parse(words: list[str]) -> None:
    """Raise a usage error if the command line does not take these words."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    with command.make_context(command.name, list(words)):
        pass
