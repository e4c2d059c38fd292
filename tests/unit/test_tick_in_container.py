"""What a task that AWS's scheduler starts makes of its tick."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from jupyter_flotilla.bootstrap.paths import Tampered
from jupyter_flotilla.bootstrap.tick import placeholder, read_tick, run_id
from jupyter_flotilla.model.cloud_calendar import calendar
from jupyter_flotilla.model.run import CROCKFORD
from jupyter_flotilla.model.when import cron

SCHEDULE, AT = "s0123456789ab", "2027-03-29T05:00:00Z"
WHEN = cron("0 7 * * MON-FRI", "Europe/Berlin")


def tick(at=AT, when=WHEN, **more):
    made = {"top": "me/", "notebook": None, **calendar(when, datetime(2026, 11, 26, tzinfo=UTC))}
    content = json.dumps({**made, **more}).encode()
    digest = hashlib.sha256(content).hexdigest()
    place = {"prefix": "me/schedules/x/1", "attempt": "", "bucket": "b",
             "tick": {"schedule": SCHEDULE, "at": at, "sha256": digest}}  # fmt: skip
    return read_tick(place, content)


def test_a_tick_has_one_run_however_often_it_is_started():
    assert tick().run_id == tick().run_id == run_id(SCHEDULE, AT)
    others = {run_id(SCHEDULE, f"2027-03-29T05:{n:02}:00Z") for n in range(60)}
    assert len(others) == 60
    assert set("".join(others)) <= {*CROCKFORD, "r"}


def test_the_run_is_where_every_run_of_this_home_is():
    place = tick().place()
    run = tick().run_id
    assert place["prefix"] == f"me/runs/{run[1:3]}/{run}"
    assert place["attempt"] == "attempts/1"


def test_the_job_is_told_its_run_and_its_times():
    own = placeholder(SCHEDULE)
    text = json.dumps({
        "run_id": own, "launch_key": f"{own}-1", "env": {"FLOTILLA_RUN_ID": own, "A": "b"},
        "command": ["load", "{interval_start:%Y-%m-%d}", "{interval_end}", "{x}"],
    })  # fmt: skip
    job = json.loads(tick().job(text.encode()))
    run = run_id(SCHEDULE, AT)
    assert (job["run_id"], job["launch_key"]) == (run, f"{run}-1")
    # Monday: the interval begins on Friday, before clocks changed
    assert job["command"] == ["load", "2027-03-26", "2027-03-29T07:00:00+02:00", "{x}"]
    assert job["env"] == {
        "FLOTILLA_RUN_ID": run,
        "A": "b",
        "FLOTILLA_SCHEDULED_AT": "2027-03-29T07:00:00+02:00",
        "FLOTILLA_INTERVAL_START": "2027-03-26T07:00:00+01:00",
        "FLOTILLA_INTERVAL_END": "2027-03-29T07:00:00+02:00",
    }


def test_a_notebook_gets_its_times_where_its_parameters_are_and_nowhere_else(tmp_path):
    lines = (
        'at = "{scheduled_at}"', 'day = "{scheduled_at:%d}"',
        # what stands for numbers, as papermill writes them
        "n = 900719925474002", "x = 900719925474001.5",
    )  # fmt: skip
    injected = "\n".join(lines)
    notebook = {"cells": [
        {"cell_type": "code", "metadata": {}, "source": "print('{scheduled_at}')"},
        {"cell_type": "code", "metadata": {"tags": ["injected-parameters"]},
         "source": injected.splitlines(keepends=True)},
    ]}  # fmt: skip
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook))
    tick(notebook="n.ipynb").fill_notebook(str(tmp_path))
    first, second = json.loads((tmp_path / "n.ipynb").read_text())["cells"]
    assert first["source"] == "print('{scheduled_at}')"
    begin, at = (datetime(2027, 3, day, hour, tzinfo=UTC) for day, hour in ((26, 6), (29, 5)))
    assert second["source"].splitlines() == [
        'at = "2027-03-29T07:00:00+02:00"', 'day = "29"',
        f"n = {int(begin.timestamp())}", f"x = {at.timestamp()}",
    ]  # fmt: skip


def test_a_notebook_outside_of_the_input_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "n.ipynb").write_text("{}")
    with pytest.raises(Tampered):
        tick(notebook="../n.ipynb").fill_notebook(str(tmp_path / "in"))


def test_what_somebody_has_changed_in_the_bucket_is_refused():
    place = {"prefix": "p", "tick": {"schedule": SCHEDULE, "at": AT, "sha256": "0" * 64}}
    with pytest.raises(Tampered, match=r"tick\.json"):
        read_tick(place, b"{}")


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b"null", b'{"top": 1, "changes": []}', b"[" * 100_000,
                b'{"top": "", "changes": [["x"]]}'],
    ids=["empty", "list", "null", "no changes", "deep", "short change"],
)  # fmt: skip
def test_a_calendar_that_is_garbage_is_said_to_be_none(content):
    digest = hashlib.sha256(content).hexdigest()
    place = {"prefix": "p", "tick": {"schedule": SCHEDULE, "at": AT, "sha256": digest}}
    with pytest.raises(ValueError, match=r"tick\.json is no calendar"):
        read_tick(place, content)
