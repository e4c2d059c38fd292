"""What a terminal shows of a run while it goes on."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import witness
from terminal import Terminal

import jupyter_flotilla as fl


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


@pytest.fixture
def go_on(tmp_path: Path) -> Callable[[], None]:
    """Let a job go on that waits for the file ``go``."""
    return (tmp_path / "go").touch


@pytest.fixture
def waits(tmp_path: Path) -> str:
    """Shell words that wait for the file ``go``."""
    return f"while [ ! -e '{tmp_path}/go' ]; do sleep 0.05; done"


def test_stdout_of_a_job_goes_to_a_file_as_it_is_while_the_terminal_shows_the_run(
    tmp_path: Path, waits: str, go_on: Callable[[], None]
) -> None:
    script = f"printf 'a\\r\\033[2Jb\\0\\377'; echo err >&2; {waits}; printf end"

    with (tmp_path / "out").open("wb") as out:
        terminal = Terminal("run", "--", "sh", "-c", script, stdout=out)
    with terminal:
        terminal.until(lambda rows: "err" in rows and any("● RUNNING" in row for row in rows))
        go_on()
        code = terminal.end()

    assert code == 0
    assert (tmp_path / "out").read_bytes() == b"a\r\033[2Jb\0\xffend"
    assert "b" not in terminal.rows()
    assert not any("● RUNNING" in row for row in terminal.rows())
    assert any("✔ SUCCEEDED" in row for row in terminal.rows())


def test_nothing_is_drawn_beside_what_reads_a_pipe() -> None:
    read, write = os.pipe()

    with Terminal("run", "--", "echo", "hi", stdout=write) as terminal:
        os.close(write)
        code = terminal.end()
        said = os.read(read, 100)
        os.close(read)

    assert (code, said) == (0, b"hi\n")
    assert "\x1b[J" not in terminal.sent


def test_output_and_nothing_of_the_live_lines_stays_on_the_screen() -> None:
    script = "for n in 1 2 3; do echo out $n; echo err $n >&2; sleep 0.3; done; printf 'no end'"

    with Terminal("run", "--", "sh", "-c", script, columns=120) as terminal:
        code = terminal.end()

    between = terminal.rows()[2:-2]
    assert code == 0
    assert [row for row in between if row.startswith("out")] == ["out 1", "out 2", "out 3"]
    assert [row for row in between if row.startswith("err")] == ["err 1", "err 2", "err 3"]
    assert between[-1] == "no end"
    assert len(between) == 7


def test_a_line_is_shown_while_it_grows(waits: str, go_on: Callable[[], None]) -> None:
    script = f"printf 'training .'; sleep 0.3; printf ..; {waits}; echo ' done'"

    with Terminal("run", "--", "sh", "-c", script) as terminal:
        terminal.until(lambda rows: any("● RUNNING" in row for row in rows))
        rows = terminal.until(lambda rows: "training ..." in rows[:-1])
        go_on()
        terminal.end()

    assert "● RUNNING" in rows[rows.index("training ...") + 1]
    assert "training ... done" in terminal.rows()
    assert "training ..." not in terminal.rows()


def test_a_progress_bar_is_drawn_in_one_row(waits: str, go_on: Callable[[], None]) -> None:
    bar = "for n in 10 20 30; do printf '\\r%s%%|###|' $n >&2; sleep 0.3; done"
    script = f"echo before; {bar}; {waits}; printf '\\r100%%|###|\\n' >&2; echo after"

    with Terminal("run", "--", "sh", "-c", script) as terminal:
        rows = terminal.until(lambda rows: "30%|###|" in rows)
        go_on()
        terminal.end()

    assert rows.index("30%|###|") == rows.index("before") + 1
    assert [row for row in terminal.rows() if "%|" in row] == ["100%|###|"]


def test_a_job_cannot_leave_its_colour_or_clear_the_screen() -> None:
    with Terminal(
        "run", "--", "printf", "\\033[2J\\033[31mred\\n\\033]0;t\\007\\033[5;5Hx"
    ) as terminal:
        terminal.end()

    assert "\x1b[31mred\n".replace("\n", "\r\n") + "\x1b[0m" in terminal.sent
    assert "\x1b[2J" not in terminal.sent
    assert "\x1b]0" not in terminal.sent
    assert "\x1b[5;5H" not in terminal.sent


def test_many_lines_cost_little_more_than_writing_them() -> None:
    before = os.times().children_user

    with Terminal("run", "--", "seq", "500000") as terminal:
        terminal.end()

    assert terminal.sent.count("\n") > 500_000
    assert os.times().children_user - before < 3  # drawn one by one, they took 5 s


def test_ctrl_c_is_answered_above_the_live_line(waits: str) -> None:
    with Terminal("run", "--", "sh", "-c", f"echo ready; {waits}") as terminal:
        terminal.until(lambda rows: "ready" in rows)
        os.kill(terminal.process.pid, signal.SIGINT)
        code = terminal.end()

    assert code == 130
    assert any(row.startswith("cancelling r") for row in terminal.rows())
    assert any("■ CANCELLED" in row for row in terminal.rows())


def test_a_queued_run_says_what_it_is_behind(
    settings_file: Path, waits: str, go_on: Callable[[], None]
) -> None:
    settings_file.write_text("idle_s = 5\nmax_running = 1\n")
    first = fl.submit(["sh", "-c", waits])

    with Terminal("run", "--", "echo", "hi") as terminal:
        terminal.until(lambda rows: any("1 of 1 running, you are next" in row for row in rows))
        second = witness.flotilla("run", "--bg", "--", "true")
        listed, shown = witness.flotilla("ls"), witness.flotilla("show")
        go_on()
        code = terminal.end()

    assert first.wait().status == "SUCCEEDED"
    assert (code, second.returncode) == (0, 0)
    assert "1 of 1 running, 1 before you" in shown.stdout
    assert "QUEUED, 1 before" in listed.stdout
    assert "QUEUED, next" in listed.stdout


def test_waiting_shows_the_run_that_is_waited_for(waits: str, go_on: Callable[[], None]) -> None:
    runs = [fl.submit(["sh", "-c", waits], name=name) for name in ("one", "two")]

    with Terminal("wait", *[run.id for run in runs], columns=120) as terminal:
        rows = terminal.until(lambda rows: any("● RUNNING" in row for row in rows))
        go_on()
        code = terminal.end()

    assert "run 1 of 2: one" in rows
    assert code == 0
    assert [row.split()[:3] for row in terminal.rows() if row] == [
        ["one", "✔", "SUCCEEDED"],
        ["two", "✔", "SUCCEEDED"],
    ]


def test_waiting_ends_after_the_time_for_all_of_them_together() -> None:
    runs = [fl.submit(["sleep", "99"]) for _ in range(2)]

    waited = witness.flotilla("wait", *[run.id for run in runs], "--timeout", "1s")

    assert waited.returncode == 1
    assert "is still RUNNING after 1s" in waited.stderr


def test_a_dumb_terminal_gets_lines_only() -> None:
    with Terminal("run", "--", "echo", "hi", env={"TERM": "dumb"}) as terminal:
        terminal.end()

    assert "\x1b" not in terminal.sent
    assert "hi" in terminal.rows()
