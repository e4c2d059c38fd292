"""Several attempts on one screen: where each begins, and what the earlier ones ended with."""

from pathlib import Path

import pytest
import witness
from terminal import Terminal

import jupyter_flotilla as fl

_SCRIPT = "if [ -e tried ]; then echo second; else touch tried; printf first; exit 5; fi"
_HEADING = "── attempt 2 (after user-error) ──"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for the job, and short waits."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def run() -> fl.RunHandle:
    """A run whose second attempt succeeded; the first left a line open."""
    return fl.submit(["sh", "-c", _SCRIPT], retries=1, wait=True)


def test_logs_say_on_stderr_where_an_attempt_begins(run: fl.RunHandle) -> None:
    shown = witness.flotilla("logs", run.id)

    assert shown.stdout == "firstsecond\n"
    assert shown.stderr == f"\n{_HEADING}\n"
    assert str(run.logs()) == "firstsecond\n"


@pytest.mark.parametrize(
    ("tail", "text", "heading"),
    [(1, "firstsecond\n", True), (0, "", False), (9, "firstsecond\n", True)],
)
def test_the_tail_keeps_the_line_between_attempts(
    run: fl.RunHandle, tail: int, text: str, heading: bool
) -> None:
    shown = witness.flotilla("logs", run.id, "--tail", str(tail))

    assert (shown.stdout, _HEADING in shown.stderr) == (text, heading)


@pytest.mark.parametrize("tail", [0, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("end", ["", "\\n"], ids=["open", "ended"])
def test_the_tail_is_the_last_lines_of_the_whole_text(tail: int, end: str) -> None:
    run = fl.submit(["sh", "-c", f"printf 'a\\n\\nb\\nc{end}'; printf 'x' >&2; sleep 0.2; echo"])
    whole = str(run.wait().logs()).splitlines(keepends=True)

    assert str(run.logs(tail=tail)) == "".join(whole[-tail:] if tail else [])


@pytest.mark.parametrize("words", [["run", "--retries", "1", "--"], None], ids=["pipes", "screen"])
def test_a_run_says_where_an_attempt_begins_and_at_the_end_why_there_was_one(
    words: list[str] | None,
) -> None:
    if words is not None:
        ran = witness.flotilla(*words, "sh", "-c", _SCRIPT)
        code, rows = ran.returncode, ran.stderr.splitlines()
    else:
        with Terminal("run", "--retries", "1", "--", "sh", "-c", _SCRIPT, columns=120) as terminal:
            code, rows = terminal.end(), terminal.rows()
        assert rows.index("first") + 1 == rows.index(_HEADING)

    assert code == 0
    assert _HEADING in rows
    assert any("✔ SUCCEEDED" in row and "attempt 2 (after user-error)" in row for row in rows)


def test_a_traceback_has_colours_in_a_terminal_only(tmp_path: Path) -> None:
    notebook = witness.notebook(tmp_path / "zero.ipynb", "1 / 0")
    run = fl.run_notebook(notebook, wait=True)
    assert "\x1b[" in str(run.logs())

    logs, ran = witness.flotilla("logs", run.id), witness.flotilla("run", notebook)
    with Terminal("logs", run.id) as terminal:
        terminal.end()

    assert "\x1b" not in logs.stdout + ran.stdout + ran.stderr
    assert "ZeroDivisionError: division by zero" in logs.stdout
    assert "ZeroDivisionError: division by zero" in ran.stderr
    assert "\x1b[" in terminal.sent


def test_colours_that_a_job_writes_itself_reach_a_file_as_they_are() -> None:
    run = fl.submit(["printf", "\\033[31mred"], wait=True)

    assert witness.flotilla("logs", run.id).stdout == "\x1b[31mred"
