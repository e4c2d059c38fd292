"""What the demo tells to type can be typed."""

from pathlib import Path

import pytest

from jupyter_flotilla.commands.demo import how_to_call


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs of an installation, in a folder below the current one that is not on PATH."""
    folder = tmp_path / "my env" / "bin"
    for name in ("jupyter", "jupyter-flotilla"):
        _program(folder / name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_program_on_path_is_called_by_its_name(
    scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(scripts))

    assert how_to_call(scripts) == ("jupyter flotilla", None)


def test_an_environment_that_is_not_active_is_to_be_activated(scripts: Path) -> None:
    (scripts / "activate").touch()

    assert how_to_call(scripts) == ("jupyter flotilla", ". 'my env/bin/activate'")


def test_a_program_of_another_installation_is_not_taken_for_this_one(
    scripts: Path, tmp_path: Path
) -> None:
    for name in ("jupyter", "jupyter-flotilla"):
        _program(tmp_path / "elsewhere" / name)

    assert how_to_call(scripts) == ("'my env/bin/jupyter-flotilla'", None)


def test_a_program_elsewhere_is_called_by_its_path(
    scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert how_to_call(scripts) == (f"'{scripts}/jupyter-flotilla'", None)


def test_without_a_program_it_is_called_as_a_module(tmp_path: Path) -> None:
    called, first = how_to_call(tmp_path)

    assert called.endswith(" -m jupyter_flotilla")
    assert first is None
