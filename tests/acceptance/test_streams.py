"""stdout and stderr that take no more, or not every letter: words and an exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import witness
from terminal import Terminal

import jupyter_flotilla as fl


@pytest.fixture(autouse=True)
def run(settings_file: Path) -> fl.RunHandle:
    """A run that has written a line."""
    return fl.submit(["echo", "é"], name="run", wait=True)


def _shell(script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = script.replace("flotilla", f"'{sys.executable}' -m jupyter_flotilla")
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", ["ls", "show --json", "logs", "--help"])
def test_a_full_disk_behind_stdout_is_one_clear_error(words: str, unbuffered: str) -> None:
    shown = _shell(f"flotilla {words} > /dev/full", PYTHONUNBUFFERED=unbuffered)

    assert shown.returncode == 2
    assert shown.stderr.startswith("Error: stdout cannot be written: No space left on device\n")
    assert len(shown.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", ["ls", "show", "logs -f"])
def test_a_reader_that_has_read_enough_is_no_error(words: str) -> None:
    shown = _shell(f"flotilla {words} | true; echo ${{PIPESTATUS[0]}}")

    assert (shown.stdout, shown.stderr) == ("141\n", "")


def test_a_closed_stdout_is_named() -> None:
    shown = _shell("flotilla logs >&-")

    assert (shown.returncode, "stdout is closed" in shown.stderr) == (2, True)


def test_letters_that_stdout_does_not_know_are_escaped(run: fl.RunHandle) -> None:
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}

    shown = [witness.flotilla(*words, env=ascii_only) for words in (["ls"], ["logs"], ["show"])]
    [row] = json.loads(witness.flotilla("ls", "--json", env=ascii_only).stdout)

    assert [one.returncode for one in shown] == [0, 0, 0], [one.stderr for one in shown]
    assert "what       echo '\\xe9'" in shown[2].stdout
    assert shown[1].stdout == "é\n"  # what a job wrote goes through as it is
    assert row["spec"]["command"] == ["echo", "é"]


def test_a_run_goes_on_to_its_end_where_stderr_does_not_know_its_words() -> None:
    ran = witness.flotilla(
        "run", "--", "echo", "é", env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )

    assert (ran.returncode, ran.stdout) == (0, "é\n")
    assert "? SUCCEEDED" in ran.stderr


def test_bytes_that_are_no_text_reach_files_and_pipes_as_they_are(tmp_path: Path) -> None:
    content = bytes(range(256)) * 100 + b"\xe2\x82"
    (tmp_path / "content").write_bytes(content)
    command = f"flotilla run -- cat '{tmp_path}/content' > '{tmp_path}/run' && flotilla logs"

    _shell(f"{command} | cat > '{tmp_path}/logs'; flotilla logs --tail 2 > '{tmp_path}/tail'")

    assert (tmp_path / "run").read_bytes() == content
    assert (tmp_path / "logs").read_bytes() == content
    assert (tmp_path / "tail").read_bytes() == b"\n".join(content.split(b"\n")[-2:])


def test_bytes_that_are_no_text_are_replaced_on_a_terminal(run: fl.RunHandle) -> None:
    with Terminal("run", "--", "printf", "a\\377b") as terminal:
        code = terminal.end()

    assert code == 0
    assert "a�b" in terminal.rows()
    assert fl.get("last").result() == "a�b"
