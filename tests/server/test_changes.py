import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa

import jupyter_flotilla as fl
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import StoreUnreadable
from jupyter_flotilla.listing import Listing
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.schedule import Placed
from jupyter_flotilla.server.changes import Changes
from jupyter_flotilla.server.context import Context
from jupyter_flotilla.store import events, runs, schedules, schema


class _Window:
    """A socket of live changes, as a window has it."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def next(self, kind: str, is_meant: Callable[[Any], bool] = lambda message: True) -> Any:
        """Return the next message of a kind that is meant; others are dropped."""
        while True:
            text = await asyncio.wait_for(self.socket.read_message(), 30)
            assert text is not None, "the server has closed it"
            message = json.loads(text)
            if message["type"] == kind and is_meant(message):
                return message


@pytest.fixture
def window(settings_file, jp_ws_fetch, jp_serverapp):
    """Open windows, once the server follows the store: what was before is nobody's news."""

    @asynccontextmanager
    async def opened(**query: Any) -> AsyncIterator[_Window]:
        changes = jp_serverapp.extension_manager.extension_points["jupyter_flotilla"].app.changes
        while changes._store is None:
            await asyncio.sleep(0.02)
        socket = await jp_ws_fetch("flotilla", "api", "changes", params=query)
        yield _Window(socket)
        socket.close()

    return opened


def _is_of(run_id: str, status: str) -> Callable[[Any], bool]:
    return lambda message: any(
        (row["id"], row["status"]) == (run_id, status) for row in message["runs"]
    )


async def test_a_window_sees_a_run_from_its_submit_to_its_end(ask, window):
    async with window() as one:
        hello = await one.next("hello")
        _, created = await ask("runs", body={"what": {"kind": "command", "argv": ["true"]}})
        run_id = created["run"]["id"]

        message = await one.next("runs", _is_of(run_id, "SUCCEEDED"))

        assert message["seq"] > hello["seq"]
        await one.next("status", lambda status: status["counts"]["SUCCEEDED"] == 1)


async def test_usage_and_progress_of_what_goes_on_come_too(ask, window):
    script = "from jupyter_flotilla import job\nimport time\n"
    script += "job.progress(1, 4, 'a quarter')\ntime.sleep(60)"
    async with window() as one:
        _, created = await ask("runs", body={"what": {"kind": "source", "source": script}})
        run_id = created["run"]["id"]

        message = await one.next(
            "runs", lambda found: any(row["progress"] and row["usage"] for row in found["runs"])
        )

        [row] = [row for row in message["runs"] if row["id"] == run_id]
        assert row["progress"]["fraction"] == 0.25
        assert row["usage"]["memory_mib"] > 0
    await ask(f"runs/{run_id}/cancel", body={"grace_s": 0})
    fl.get(run_id).wait()


async def test_a_window_that_was_away_gets_what_it_has_missed(ask, window, make_run):
    make_run()
    _, page = await ask("runs")
    missed = make_run(name="missed")

    async with window(after=page["seq"]) as one:
        message = await one.next("runs", _is_of(missed.id, "QUEUED"))

    assert message["seq"] > page["seq"]


async def test_a_window_that_was_away_too_long_is_told_to_begin_anew(window, make_run, facade):
    run = make_run()
    with facade.store.write() as tx:
        for _ in range(2_001):
            events.insert(tx, run.id, run.created_at, "cancel-requested")

    async with window(after=0) as one:
        assert (await one.next("reset"))["seq"] > 2_000


async def test_a_window_of_another_store_is_told_to_begin_anew(window, make_run):
    make_run()

    async with window(after=10**6) as one:
        await one.next("reset")


async def test_the_end_of_a_run_is_an_event_of_the_server(ask, window, jp_serverapp):
    heard = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        heard.append(data)

    jp_serverapp.event_logger.add_listener(
        schema_id="https://jupyter-flotilla.org/events/run-ended/v1", listener=listen
    )
    async with window() as one:
        await one.next("status")
        what = {"kind": "command", "argv": ["false"]}
        _, created = await ask("runs", body={"what": what})
        await one.next("runs", _is_of(created["run"]["id"], "FAILED"))
        while not heard:
            await asyncio.sleep(0.05)

    [event] = heard
    assert (event["id"], event["status"], event["failure_kind"]) == (
        created["run"]["id"], "FAILED", "user-error",
    )  # fmt: skip


async def test_metrics_of_the_server_count_runs(window, make_run, jp_fetch):
    make_run()
    async with window() as one:
        await one.next("hello")
        body = b""
        while b'flotilla_runs{status="QUEUED"} 1.0' not in body:
            body = (await jp_fetch("metrics")).body
            await asyncio.sleep(0.05)

    assert b"flotilla_dispatcher_alive" in body


async def test_settings_that_change_are_followed_without_a_restart(
    ask, window, settings_file, tmp_path
):
    async with window() as one:
        await one.next("hello")
        other = tmp_path / "other.db"
        settings_file.write_text(settings_file.read_text() + f'store = "sqlite:///{other}"\n')
        await one.next("reset")
        what = {"kind": "command", "argv": ["true"]}
        _, created = await ask("runs", body={"what": what})
        await one.next("runs", _is_of(created["run"]["id"], "SUCCEEDED"))
    assert other.exists()


async def test_settings_that_cannot_be_read_are_told_and_mended_without_a_restart(
    ask, settings_file
):
    good = settings_file.read_text()
    settings_file.write_text("not toml")
    status, body = await ask("status")
    settings_file.write_text(good)
    again, _ = await ask("status")

    assert (status, body["code"], again) == (409, "invalid-settings", 200)
    assert "flotilla.toml" in body["message"]


async def test_an_error_that_nobody_foresaw_ends_nothing(ask, window, monkeypatch):
    async with window() as one:
        await one.next("status")
        real, fails = Listing.changes, iter([RuntimeError("the driver's own")])

        def changes(self: Listing, seq: int) -> Any:
            for error in fails:
                raise error
            return real(self, seq)

        monkeypatch.setattr(Listing, "changes", changes)
        what = {"kind": "command", "argv": ["true"]}
        _, created = await ask("runs", body={"what": what})

        await one.next("runs", _is_of(created["run"]["id"], "SUCCEEDED"))


async def test_what_could_not_be_told_is_told_later(ask, window, monkeypatch, make_run):
    async with window() as one:
        await one.next("status")
        real, fails = Listing.rows, iter([StoreUnreadable("locked")])

        def rows(self: Listing, run_ids: Any) -> Any:
            for error in fails:
                raise error
            return real(self, run_ids)

        monkeypatch.setattr(Listing, "rows", rows)
        run = make_run()

        await one.next("runs", _is_of(run.id, "QUEUED"))


async def test_runs_that_are_deleted_have_lists_read_anew(window, make_run, facade):
    run = make_run()
    async with window() as one:
        await one.next("status", lambda status: status["counts"]["QUEUED"] == 1)
        facade.cancel(run.id)
        await one.next("runs", _is_of(run.id, "CANCELLED"))
        with facade.store.write() as tx:
            assert runs.delete(tx, run.id)

        await one.next("reset")


async def test_a_store_that_was_replaced_is_followed(ask, window, settings_file, facade):
    async with window() as one:
        await one.next("status")
        facade.close()
        for path in facade.settings.home.glob("flotilla.db*"):
            path.unlink()

        await one.next("reset")
        what = {"kind": "command", "argv": ["true"]}
        _, created = await ask("runs", body={"what": what})
        await one.next("runs", _is_of(created["run"]["id"], "SUCCEEDED"))


def test_an_event_that_is_committed_after_a_later_one_is_told(facade, make_run):
    """As on PostgreSQL, where numbers are given before the commit."""
    said: list[Any] = []
    changes = Changes(
        Context(None),
        ended=lambda *ended: None,
        told=lambda status: None,
        begun=lambda: None,
        warn=said.append,
    )
    changes.listen(lambda message: said.append(json.loads(message)))
    changes._begin(facade.store)
    first, late, last = make_run(), make_run(), make_run()
    with facade.store.write() as tx:
        [(seq, detail)] = tx.execute(
            sa.select(schema.events.c.seq, schema.events.c.at).where(
                schema.events.c.run_id == late.id
            )
        )
        tx.execute(schema.events.delete().where(schema.events.c.seq == seq))
    changes._transitions()
    with facade.store.write() as tx:
        tx.execute(
            schema.events.insert().values(
                seq=seq, run_id=late.id, at=detail, name="QUEUED", detail={}
            )
        )
    changes._transitions()
    changes._transitions()

    told = [row["id"] for one in said if one["type"] == "runs" for row in one["runs"]]
    assert sorted(told) == sorted([first.id, late.id, last.id])


async def test_a_window_is_told_that_schedules_have_changed(ask, window):
    async with window() as one:
        await one.next("hello")
        given = {"what": {"kind": "command", "argv": ["true"]}, "schedule": {"when": "daily"}}
        _, saved = await ask("schedules", body=given)
        await one.next("schedules")

        await ask(f"schedules/{saved['id']}/pause", body={})

        await one.next("schedules")


async def test_a_window_is_told_that_aws_has_a_schedule_now(ask, window, facade):
    given = {"what": {"kind": "command", "argv": ["true"]}, "schedule": {"when": "daily"}}
    _, saved = await ask("schedules", body=given)
    placed = Placed(
        revision=1,
        engine="ecs",
        install="0a1b2c3d",
        group="flotilla",
        region="eu-west-1",
        bucket=Bucket(url="s3://store/ada", region="eu-west-1"),
        until=utc_now(),
    )
    async with window() as one:
        await one.next("hello")

        for following in (placed, placed.model_copy(update={"revision": 2}), None):
            with facade.store.write() as tx:
                schedules.set_placed(tx, saved["id"], following)

            await one.next("schedules")
