"""The site builds without a warning, and its list of commands is complete."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from keypointgan.cli import app

ROOT = Path(__file__).parents[2]


def test_every_command_is_listed() -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    listed = {name for row in re.findall(r"^\| (`.*?) \|", page, re.M) for name in row.split("`")}
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    missing = [name for name in commands if not any(part.startswith(name) for part in listed)]
    assert missing == []


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken link, a missing picture or a name that is gone is an error."""
    pytest.importorskip("material", reason="the extra 'docs' is not installed")
    pytest.importorskip("mkdocstrings", reason="the extra 'docs' is not installed")

    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")  # advertises a successor
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "how-to" / "app" / "index.html").is_file()
