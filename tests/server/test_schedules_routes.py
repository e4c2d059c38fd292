"""The routes of schedules."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest

import jupyter_flotilla as fl
from jupyter_flotilla.server.wire.schedules import (
    BackfillOut,
    PreviewOut,
    ScheduleDetail,
    SchedulePlanOut,
    SchedulesOut,
)

_COMMAND = {"kind": "command", "argv": ["true"]}


@pytest.fixture
def notebook(root: Path, settings_file: Path) -> str:
    """A notebook below the server's folder."""
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("1 + 1")],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        ),
        root / "report.ipynb",
    )
    return "report.ipynb"


async def _save(ask: Any, name: str = "tick", **body: Any) -> Any:
    given = {"what": _COMMAND, "options": {"name": name}, "schedule": {"when": "daily at 02:30"},
             **body}  # fmt: skip
    status, answer = await ask("schedules", body=given)
    assert status == 201, answer
    return answer


async def test_times_are_shown_in_words_and_moments_before_anything_is_saved(ask):
    status, body = await ask(
        "schedules/preview", body={"when": "30 2 * * *", "tz": "America/New_York", "count": 3}
    )

    PreviewOut.model_validate(body)
    assert status == 200
    assert body["zone"] == "America/New_York"
    moments = [datetime.fromisoformat(one) for one in body["upcoming"]]
    assert [(one.hour, one.minute) for one in moments] == [(2, 30)] * 3
    assert "2:30" in body["when_text"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"when": "0 0 31 2 *"}, "31"),
        ({"when": "* * * * * *"}, "6 fields"),
        ({"when": "daily", "tz": "Mars/Base"}, "Mars/Base"),
        ({"when": "every 0 minutes"}, "0"),
        ({"when": "<script>alert(1)</script>"}, "<script>"),
    ],
)
async def test_times_that_mean_nothing_are_refused_with_the_value(ask, given, said):
    status, body = await ask("schedules/preview", body=given)

    assert (status, body["code"]) == (422, "invalid-option")
    assert said in body["message"]


async def test_a_schedule_of_a_notebook_is_planned_saved_listed_and_shown(ask, notebook):
    given = {"what": {"kind": "file", "path": notebook}, "options": {"timeout": "1h"},
             "schedule": {"when": "weekdays 07:00 Europe/Berlin"}}  # fmt: skip
    _, planned = await ask("schedules/plan", body=given)
    nothing = fl.schedules()
    saved = await _save(ask, **{**given, "options": {"timeout": "1h", "name": "report"}})
    _, listed = await ask("schedules")
    _, shown = await ask(f"schedules/{saved['id']}")

    SchedulePlanOut.model_validate(planned)
    assert nothing == []
    assert 20 <= planned["runs_a_month"] <= 23
    assert planned["ceiling_a_month_usd"] == pytest.approx(
        planned["plan"]["ceiling_usd"] * planned["runs_a_month"]
    )
    assert len(planned["upcoming"]) == 5
    assert planned["plan"]["commands"]["cli"] == (
        "jupyter flotilla schedule add report.ipynb --when 'weekdays 07:00 Europe/Berlin' "
        "--timeout 1h"
    )
    [row] = SchedulesOut.model_validate(listed).schedules
    assert (row.name, row.notebook, row.zone) == ("report", notebook, "Europe/Berlin")
    assert row.latest is None
    assert ScheduleDetail.model_validate(shown).history == []
    assert shown["options"]["timeout_s"] == 3600


async def test_values_of_variables_are_not_shown(ask):
    saved = await _save(ask, options={"name": "tick", "env": {"ACCOUNT": "hunter2"}})

    shown = [await ask(f"schedules/{saved['id']}"), await ask("schedules"), saved]

    assert saved["options"]["env"] == {"ACCOUNT": None}
    assert "hunter2" not in str(shown)


async def test_a_copy_has_a_name_as_any_other(ask):
    saved = await _save(ask)

    status, body = await ask(f"schedules/{saved['id']}/clone", body={"name": "a; rm -rf ~ <b>"})

    assert (status, body["code"]) == (422, "invalid-option")
    assert len(fl.schedules()) == 1


async def test_a_schedule_is_paused_resumed_run_cloned_and_deleted(ask):
    saved = await _save(ask)
    path = f"schedules/{saved['id']}"

    _, paused = await ask(f"{path}/pause", body={})
    _, twice = await ask(f"{path}/pause", body={})
    _, resumed = await ask(f"{path}/resume", body={})
    status, ran = await ask(f"{path}/run", body={})
    _, copied = await ask(f"{path}/clone", body={"name": "copy"})
    _, shown = await ask(path)
    await ask(f"{path}/delete", body={})
    gone, told = await ask(path)

    assert paused["paused_at"] is not None
    assert (paused["next_at"], paused["upcoming"]) == (None, [])
    assert twice["paused_at"] == paused["paused_at"]
    assert (resumed["paused_at"], resumed["revision"]) == (None, 3)
    assert (status, ran["run"]["name"]) == (201, "tick")
    assert [(tick["trigger"], tick["run_id"]) for tick in shown["history"]] == [
        ("now", ran["run"]["id"])
    ]
    assert (copied["name"], copied["paused_at"] is None) == ("copy", False)
    assert (gone, told["code"]) == (404, "schedule-not-found")
    await asyncio.to_thread(fl.get(ran["run"]["id"]).wait)


async def test_an_edit_of_what_somebody_else_has_changed_is_a_conflict(ask):
    saved = await _save(ask)
    path = f"schedules/{saved['id']}/edit"

    _, first = await ask(path, body={"revision": 1, "schedule": {"when": "hourly"}})
    status, second = await ask(path, body={"revision": 1, "options": {"retries": 2}})
    _, third = await ask(path, body={"revision": 2, "options": {"retries": 2}})

    assert (first["revision"], first["kind"]) == (2, "cron")
    assert (status, second["code"]) == (409, "schedule-changed")
    assert (third["revision"], third["options"]["retries"]) == (3, 2)
    assert third["when_text"] == first["when_text"]


@pytest.mark.parametrize("named", [["ACCOUNT", "MODE=fast"], {"ACCOUNT": None, "MODE": "fast"}],
                         ids=["as a form has it", "as JSON"])  # fmt: skip
@pytest.mark.parametrize("server_has", ["the server's", None], ids=["other", "none"])
@pytest.mark.parametrize("renewed", [{}, {"what": _COMMAND}], ids=["kept", "made anew"])
async def test_a_variable_that_an_edit_names_alone_keeps_what_was_saved(
    ask, monkeypatch, renewed, server_has, named
):
    monkeypatch.setenv("ACCOUNT", "the user's")
    saved = await _save(ask, options={"name": "tick", "env": ["ACCOUNT"]})
    if server_has is None:
        monkeypatch.delenv("ACCOUNT")
    else:
        monkeypatch.setenv("ACCOUNT", server_has)
    path = f"schedules/{saved['id']}"
    change = {**renewed, "options": {"env": named}}

    _, planned = await ask(f"{path}/plan", body=change)
    status, edited = await ask(f"{path}/edit", body={**change, "revision": 1})
    env = fl.get_schedule("tick").snapshot.what.spec.env
    await ask(f"{path}/edit", body={"revision": 2, "options": {"env": ["ACCOUNT=new"]}})

    assert (status, edited["options"]["env"]) == (200, {"ACCOUNT": None, "MODE": None})
    assert (env["ACCOUNT"], env["MODE"]) == ("the user's", "fast")
    assert "ACCOUNT" not in planned["plan"]["commands"]["cli"]
    assert fl.get_schedule("tick").snapshot.what.spec.env["ACCOUNT"] == "new"


async def test_a_variable_that_an_edit_does_not_name_keeps_what_was_saved(ask, monkeypatch):
    monkeypatch.setenv("ACCOUNT", "the user's")
    saved = await _save(ask, options={"name": "tick", "env": ["ACCOUNT"]})
    monkeypatch.setenv("ACCOUNT", "the server's")

    body = {"revision": 1, "what": _COMMAND}
    status, _ = await ask(f"schedules/{saved['id']}/edit", body=body)

    assert status == 200
    assert fl.get_schedule("tick").snapshot.what.spec.env["ACCOUNT"] == "the user's"


async def test_a_new_variable_that_an_edit_names_alone_is_copied(ask, monkeypatch):
    saved = await _save(ask)
    monkeypatch.setenv("ACCOUNT", "the server's")

    body = {"revision": 1, "options": {"env": ["ACCOUNT"]}}
    await ask(f"schedules/{saved['id']}/edit", body=body)

    assert fl.get_schedule("tick").snapshot.what.spec.env["ACCOUNT"] == "the server's"


async def test_an_edit_is_planned_with_its_times_its_price_and_its_words(ask, notebook):
    saved = await _save(ask, what={"kind": "file", "path": notebook})
    path = f"schedules/{saved['id']}"
    change = {"options": {"timeout": "2h"}, "schedule": {"when": "hourly", "month_cost": 3}}

    _, planned = await ask(f"{path}/plan", body=change)
    _, unchanged = await ask(f"{path}/plan", body={"what": {"kind": "file", "path": notebook}})
    status, told = await ask(f"{path}/plan", body={"schedule": {"when": "<b>"}})
    _, after = await ask(path)

    SchedulePlanOut.model_validate(planned)
    assert (planned["plan"]["timeout_s"], planned["ceiling_a_month_usd"]) == (7200, 3)
    assert planned["plan"]["commands"] == {
        "magic": "%flotilla schedule edit tick --when hourly --month-cost 3 --timeout 2h",
        "cli": "jupyter flotilla schedule edit tick --when hourly --month-cost 3 --timeout 2h",
        "python": "fl.get_schedule('tick').edit(when='hourly', month_cost=3, timeout='2h')",
    }
    assert unchanged["plan"]["commands"]["python"] == (
        "fl.get_schedule('tick').edit('report.ipynb')"
    )
    assert unchanged["when_text"] == saved["when_text"]
    assert (status, told["code"]) == (422, "invalid-option")
    assert after["revision"] == 1


async def test_a_backfill_says_first_how_many_and_then_runs_them(ask):
    saved = await _save(ask)
    path = f"schedules/{saved['id']}/backfill"
    days = {"begin": "2026-01-01T00:00:00Z", "end": "2026-01-03T23:00:00Z"}

    _, dry = await ask(path, body={**days, "is_dry": True})
    before = fl.runs()
    _, done = await ask(path, body=days)
    wrong, told = await ask(path, body={"begin": "yesterday", "end": "today"})

    BackfillOut.model_validate(dry)
    assert (dry["ticks"], dry["is_started"], before) == (3, False, [])
    assert (done["ticks"], done["is_started"]) == (3, True)
    assert (wrong, told["code"]) == (422, "invalid-option")


async def test_what_waits_of_a_backfill_is_counted_and_left_out_when_that_is_stopped(ask):
    saved = await _save(ask)
    path = f"schedules/{saved['id']}"
    days = {"begin": "2026-01-01T00:00:00Z", "end": "2026-01-03T23:00:00Z"}
    await ask(f"{path}/pause", body={})  # then a backfill waits
    await ask(f"{path}/backfill", body=days)

    _, waiting = await ask(path)
    status, stopped = await ask(f"{path}/backfill", body={"stop": True})
    _, after = await ask(path)
    _, again = await ask(f"{path}/backfill", body={"stop": True})

    BackfillOut.model_validate(stopped)
    assert (saved["backfill_waits"], waiting["backfill_waits"]) == (0, 3)
    assert (status, stopped["ticks"], stopped["is_started"]) == (200, 3, False)
    assert after["backfill_waits"] == again["ticks"] == 0
    assert ["stopped" in tick["reason"] for tick in after["history"]] == [True] * 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"begin": "2026-01-01T00:00:00Z"},
        {"stop": True, "begin": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
    ],
    ids=["nothing", "no end", "a time and stop"],
)
async def test_a_backfill_of_no_time_that_is_not_stopped_is_refused(ask, body):
    saved = await _save(ask)

    status, told = await ask(f"schedules/{saved['id']}/backfill", body=body)

    assert (status, told["code"]) == (422, "invalid-option")


async def test_one_schedule_says_as_the_list_does_what_will_not_wake_it(ask, monkeypatch):
    saved = await _save(ask)
    monkeypatch.setattr(
        "jupyter_flotilla.server.schedules.waking_note", lambda: "nothing wakes it <b>"
    )

    _, listed = await ask("schedules")
    _, shown = await ask(f"schedules/{saved['id']}")

    assert shown["waking_note"] == listed["waking_note"] == "nothing wakes it <b>"


async def test_what_a_schedule_cannot_run_is_refused(ask, root):
    for body, status, code in [
        ({"what": {"kind": "file", "path": "../x.ipynb"}, "schedule": {"when": "daily"}}, 404,
         "file-not-found"),
        ({"what": {"kind": "source", "source": "1"}, "schedule": {"when": "daily"}}, 422,
         "invalid-value"),
        ({"what": _COMMAND, "schedule": {}}, 422, "invalid-option"),
        ({"what": _COMMAND, "schedule": {"wen": "daily"}}, 422, "invalid-option"),
        ({"what": _COMMAND, "schedule": {"when": "daily", "after": "x"}}, 422, "invalid-option"),
    ]:  # fmt: skip
        assert (await ask("schedules", body=body))[0] == status, body
        assert (await ask("schedules", body=body))[1]["code"] == code, body
    await _save(ask)
    status, body = await ask(
        "schedules", body={"what": _COMMAND, "options": {"name": "tick"},
                           "schedule": {"when": "daily"}},
    )  # fmt: skip
    assert (status, body["code"]) == (422, "invalid-option")
