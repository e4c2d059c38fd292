"""What cannot be done is one clear error with the value and what to do; nothing is half-written."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
import witness

from jupyter_flotilla.service import Flotilla

_ONE_CELL = "print('hello')"


@pytest.fixture
def here(tmp_path: Path, settings_file: Path) -> Path:
    """A folder with a good notebook, and files that are none."""
    folder = tmp_path / "here"
    witness.notebook(folder / "good.ipynb", _ONE_CELL, parameters="alpha: float = 0.1\nn = 3")
    witness.notebook(folder / "plain.ipynb", _ONE_CELL)
    (folder / "text.ipynb").write_text("this is no JSON")
    (folder / "list.ipynb").write_text("[1, 2]")
    (folder / "future.ipynb").write_text('{"nbformat": 9, "cells": []}')
    (folder / "cells.ipynb").write_text('{"nbformat": 4, "cells": [{"cell_type": "code"}, 7]}')
    (folder / "binary.ipynb").write_bytes(bytes(range(256)))
    (folder / "script.R").write_text("1 + 1")
    (folder / "folder.ipynb").mkdir()
    content = json.loads((folder / "plain.ipynb").read_text())
    content["metadata"]["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    (folder / "other-kernel.ipynb").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["missing.ipynb"], ["there is no file", "missing.ipynb"]),
        (["goood.ipynb"], ["did you mean good.ipynb"]),
        (["text.ipynb"], ["not valid notebook JSON", "text.ipynb"]),
        (["binary.ipynb"], ["not valid notebook JSON"]),
        (["list.ipynb"], ["JSON but not a notebook"]),
        (["future.ipynb"], ["format 9"]),
        (["cells.ipynb"], ["cell 2 is not a notebook cell"]),
        (["folder.ipynb"], ["is a folder"]),
        (["script.R"], ["neither a notebook", "-- PROGRAM"]),
        (["other-kernel.ipynb"], ["kernel 'ir' is not installed", "python3"]),
        (["good.ipynb", "-p", "alhpa=0.2"], ["no parameter 'alhpa'", "did you mean alpha?"]),
        (["good.ipynb", "-p", "alpha=high"], ["of type float, not str", '"high"']),
        (["good.ipynb", "-p", "n=true"], ["of type int, not bool"]),
        (["good.ipynb", "-p", "alpha"], ["'alpha' has no value"]),
        (["plain.ipynb", "-p", "a=1"], ["takes no parameters", "tag 'parameters'"]),
        (["good.ipynb", "--memory", "16"], ["'16' is not a size", "16G"]),
        (["good.ipynb", "--memory", "16X"], ["'16X' is not a size"]),
        (["good.ipynb", "--timeout", "90"], ["'90' is not a duration", "90m"]),
        (["good.ipynb", "--max-cost", "lots"], ["'lots' is not an amount of money"]),
        (["good.ipynb", "--cpu", "-1"], ["not a number of vCPU"]),
        (["good.ipynb", "--memory", "999T"], ["more than this machine has", "Next: --memory"]),
        (["good.ipynb", "--engine", "moon"], ["no engine 'moon'", "process"]),
        (["good.ipynb", "--name", 'say "hi"\n<b>ü</b>'], ["--name", "Next: --name say-hi"]),
        (["good.ipynb", "--name", "x" * 100_000], ["longer than 100"]),
        (["good.ipynb", "--env", "API_KEY=123"], ["looks like a secret's", "--secret API_KEY"]),
        (["good.ipynb", "--env", "NOT_SET_HERE"], ["no variable NOT_SET_HERE"]),
        (["good.ipynb", "--secret", "A=hunter2"], ["does not say where its value is read"]),
        (["good.ipynb", "--files", "../x"], ["only paths below"]),
        (["good.ipynb", "--files", "*.csv"], ["no file matches"]),
        (["good.ipynb", "--tag", "a\nb=c"], ["a tag is k=v, printable"]),
        (["good.ipynb", "--save", "good.ipynb"], ["which is never written"]),
        ([], ["there is nothing to run"]),
        (["good.ipynb", "--", "true"], ["either a FILE or -- COMMAND"]),
        (["good.ipynb", "--mem", "1G"], ["--mem", "Did you mean"]),
    ],
    ids=lambda value: None if isinstance(value, list) and len(value) > 1 else "-",
)
def test_it_is_refused_in_words_and_nothing_is_left(
    here: Path, home: Path, facade: Flotilla, words: list[str], expected: list[str]
) -> None:
    refused = witness.flotilla("run", *words, cwd=here)

    assert refused.returncode == 2, refused.stderr
    for part in expected:
        assert part in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "hunter2" not in refused.stderr
    assert not list(home.glob("runs/*/*"))
    assert facade.latest() == []


@pytest.mark.parametrize(
    "words",
    [["show", "nope"], ["logs", "nope"], ["cancel", "nope"], ["wait", "nope"]],
    ids=["show", "logs", "cancel", "wait"],
)
def test_an_unknown_run_is_named(here: Path, words: list[str]) -> None:
    refused = witness.flotilla(*words)

    assert refused.returncode == 2
    assert "'nope'" in refused.stderr


def test_an_existing_target_is_refused_where_nobody_can_be_asked(here: Path, home: Path) -> None:
    (here / "out.ipynb").write_text("precious")

    refused = witness.flotilla("run", "plain.ipynb", "--save", "out.ipynb", cwd=here)

    assert refused.returncode == 3
    assert "add --yes" in refused.stderr
    assert (here / "out.ipynb").read_text() == "precious"
    assert not list(home.glob("runs/*/*"))


def test_an_unreadable_store_is_named(here: Path, home: Path) -> None:
    home.mkdir()
    (home / "flotilla.db").write_text("not a database at all" * 500)

    refused = witness.flotilla("run", "plain.ipynb", cwd=here)

    assert refused.returncode == 2
    assert str(home / "flotilla.db") in refused.stderr
    assert not list(home.glob("runs/*/*"))


def test_a_store_of_a_newer_major_version_is_left_alone(here: Path, home: Path) -> None:
    witness.flotilla("ls")
    with sqlite3.connect(home / "flotilla.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '7_0001'")
    connection.close()

    refused = witness.flotilla("run", "plain.ipynb", cwd=here)

    assert refused.returncode == 2
    assert "'7_0001'" in refused.stderr
    assert "pip install -U" in refused.stderr


@pytest.mark.parametrize(
    ("content", "expected"),
    [("max_running = 0", "max_running"), ("nonsense = 1", "nonsense"), ("= 3", "TOML")],
    ids=["value", "name", "syntax"],
)
def test_wrong_settings_are_named_with_their_file(
    here: Path, settings_file: Path, content: str, expected: str
) -> None:
    settings_file.write_text(content)

    refused = witness.flotilla("run", "plain.ipynb", cwd=here)

    assert refused.returncode == 2
    assert str(settings_file) in refused.stderr
    assert expected in refused.stderr


def test_a_home_that_cannot_be_made_is_named(here: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = {**os.environ, "FLOTILLA_HOME": str(tmp_path / "file" / "home")}

    refused = witness.flotilla("ls", cwd=here, env=environment)

    assert refused.returncode == 2
    assert str(tmp_path / "file" / "home") in refused.stderr
