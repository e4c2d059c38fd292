"""What a cut-off attempt has said comes from CloudWatch, each line once."""

from pathlib import Path

import pytest
from ecs_tasks import Inline, Tasks

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.ecs.backstop import Backstop, add_missing, missing_lines
from jupyter_flotilla.engines.ecs.logs import stream_name
from jupyter_flotilla.runner.tee import Tee
from jupyter_flotilla.testing.fake_ecs import endings, faults


@pytest.fixture
def tasks(home: Path, settings_file: Path) -> Tasks:
    """Return the engine of a home of its own, with a log group, on a fake ECS of its own."""
    made = Tasks(home, settings_file)
    settings_file.write_text(settings_file.read_text() + 'log_group = "/flotilla"\n')
    made.restarted()
    return made


def _stream(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stream = protocol.StreamWriter(str(folder))
    stream.text("stdout", text)
    stream.close()


def _text(folder: Path) -> str:
    return "".join(record["text"] for record in protocol.StreamReader(str(folder)).read())


@pytest.mark.parametrize(
    ("own", "printed", "missing"),
    [
        (["a", "b"], ["a", "b", "c"], ["c"]),
        (["a", "b"], ["a", "b"], []),
        ([], ["a"], ["a"]),
        (["a", "a"], ["a", "a", "a"], []),
        (["x"], ["a", "b"], []),
        (["a", "b", "c", "d", "e", "f"], ["b", "c", "d", "e", "f", "g"], ["g"]),
        (["a", "b"], [], []),
    ],
)
def test_what_was_printed_after_the_last_line_is_missing(
    own: list[str], printed: list[str], missing: list[str]
) -> None:
    assert missing_lines(own, printed) == missing


def test_a_line_that_was_cut_in_two_is_put_together(tmp_path: Path) -> None:
    _stream(tmp_path, "one\ntwo\nthr")

    added = add_missing(tmp_path, ["one", "two", "three", "four"])

    assert added == 2
    assert _text(tmp_path) == "one\ntwo\nthree\nfour\n"


def test_of_a_container_that_never_had_a_runner_all_that_it_printed_is_there(
    tmp_path: Path,
) -> None:
    assert add_missing(tmp_path, ["flotilla: the job's input cannot be had"]) == 1
    assert _text(tmp_path) == "flotilla: the job's input cannot be had\n"


def test_an_attempt_that_was_cut_off_ends_with_its_last_lines(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.advance(2)
    _stream(order.attempt_folder, "one\n")
    tasks.fake.logs.append("/flotilla", stream_name(handle.detail["task"]), "one", "two")
    tasks.fake.end(handle.detail["task"], endings.host_terminated())
    tasks.advance(3)
    tasks.look(handle)

    seen = tasks.look(handle)

    assert seen.ending is not None
    assert seen.ending.last_lines[-1] == "two"
    assert _text(order.attempt_folder) == "one\ntwo\n"


def test_an_attempt_ends_although_cloudwatch_may_not_be_read(tasks: Tasks) -> None:
    order = tasks.order()
    handle = tasks.launch(order)
    tasks.advance(2)
    tasks.fake.plan("GetLogEvents", faults.access_denied("GetLogEvents"), times=None)
    tasks.fake.end(handle.detail["task"], endings.host_terminated())
    tasks.advance(3)

    seen = [tasks.look(handle) for _ in range(4)][-1]

    assert seen.state == "ended"


def test_without_a_log_group_nobody_is_asked(tasks: Tasks) -> None:
    assert Backstop(tasks.engine.aws, None, Inline()).is_done("key", "arn", Path())


def test_a_job_s_text_is_printed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _stream(tmp_path, "one\ntwö\n")
    tee = Tee(str(tmp_path))

    tee.start()
    tee.finish()

    assert capsys.readouterr().out == "one\ntwö\n"
