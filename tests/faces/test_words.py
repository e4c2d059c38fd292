"""What commands say of values, times and what they did not do."""

import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import say
from jupyter_flotilla.errors import WaitTimeout
from jupyter_flotilla.service import Flotilla


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


def test_settings_without_a_value_are_unset_and_all_sources_are_below_each_other() -> None:
    shown = witness.flotilla("config").stdout.splitlines()
    as_json = json.loads(witness.flotilla("config", "--json").stdout)

    rows = [row for row in shown if row.endswith("]")]
    assert len(rows) == len(as_json)
    assert len({row.rindex("  [") for row in rows}) == 1
    assert any(row.split() == ["keep_days", "unset", "[default]"] for row in rows)
    assert "None" not in "".join(shown)
    assert as_json["keep_days"]["value"] is None


def test_a_dispatcher_lives_since_a_time_of_this_place() -> None:
    fl.submit(["true"], wait=True)

    shown = witness.flotilla("dispatch", "--status", env={**os.environ, "TZ": "UTC-9"}).stdout

    [since] = re.findall(r"since (\d+-\d+-\d+ \d+:\d+:\d+) \(", shown)
    there = utc_now().replace(tzinfo=None) + timedelta(hours=9)
    assert abs(there - datetime.fromisoformat(since)) < timedelta(minutes=5)


def test_a_script_on_the_command_line_is_shown_on_one_line() -> None:
    script = "if True:\n    print('a')\n" + "print('b')\n" * 50
    fl.submit(["python3", "-c", script], wait=True)

    [what] = [row for row in witness.flotilla("show").stdout.splitlines() if "  what " in row]

    assert what.startswith("  what       python3 -c 'if True: print(")
    assert what.endswith("…")
    assert len(what) < 220


def test_an_ordinary_command_is_shown_as_it_is() -> None:
    fl.submit(["echo", "a  b"], wait=True)

    assert "what       echo 'a  b'\n" in witness.flotilla("show").stdout


def test_a_dry_run_says_that_it_was_one(facade: Flotilla) -> None:
    shown = witness.flotilla("run", "--dry-run", "--", "true")

    assert shown.returncode == 0
    assert "dry run: nothing was submitted" in shown.stderr
    assert facade.latest() == []


def test_nothing_after_the_dashes_is_named() -> None:
    refused = witness.flotilla("run", "--")

    assert refused.returncode == 2
    assert "there is no command after --" in refused.stderr


@pytest.mark.parametrize(("timeout", "word"), [(0.1, "0.1s"), ("1s", "1s")])
def test_a_time_limit_that_is_passed_has_its_unit(timeout: float | str, word: str) -> None:
    run = fl.submit(["sleep", "99"])

    with pytest.raises(WaitTimeout, match=f" after {word}\n"):
        run.wait(timeout)


def test_what_looks_like_the_name_of_a_picture_is_said_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("/mnt/a:x:b and [bold]")

    assert capsys.readouterr().err == "/mnt/a:x:b and [bold]\n"
