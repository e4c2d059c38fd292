"""Schedules by command line, Python and magic: every verb, and what they refuse."""

import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import witness
from witness import until

import jupyter_flotilla as fl
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands import flotilla as commands
from jupyter_flotilla.dispatch.ticker import Ticker
from jupyter_flotilla.errors import (
    InvalidOption,
    ScheduleChanged,
    ScheduleNotFound,
    UnknownParameter,
    UsageError,
)
from jupyter_flotilla.machine import host
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.schedule import TickStatus
from jupyter_flotilla.model.schedule_options import ScheduleOptions
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.jobs import Asked
from jupyter_flotilla.scheduling.making import TickMaker
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import schedules

PARAMETERS = "scheduled_at: str = ''\ninterval_end: int = 0\nn = 3"


@pytest.fixture
def here(tmp_path: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a notebook; nobody dispatches by themselves."""
    folder = tmp_path / "here"
    witness.notebook(folder / "report.ipynb", "print(scheduled_at, n)", parameters=PARAMETERS)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setattr(Flotilla, "see_to_dispatcher", lambda self: None)
    return folder


@pytest.fixture
def tick(facade: Flotilla) -> Callable[[datetime], int]:
    """Tick as a dispatcher would, at a moment."""
    ticker = Ticker(facade.store, TickMaker(facade), host())
    return ticker.step


def cli(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return witness.flotilla("schedule", *words, **options)


def refused(*words: str) -> str:
    """Return what a command of this process is refused with."""
    with pytest.raises(UsageError) as refusal:
        commands.main(["schedule", *words], standalone_mode=False)
    return str(refusal.value)


def source_of(facade: Flotilla, run: fl.RunHandle) -> str:
    """Return the code of the notebook that was frozen for a run."""
    path = facade.artifacts.input_folder(run.id) / "notebook.ipynb"
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])


def test_preview_is_a_list_of_instants_over_a_change_of_clocks() -> None:
    shown = cli(
        "preview", "30 2 * * *", "--tz", "America/New_York", "--from", "2026-03-07", "--count",
        "3", "--json",
    )  # fmt: skip

    assert json.loads(shown.stdout) == [
        "2026-03-07T02:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00",
    ]  # fmt: skip


def test_add_shows_the_next_five_runs_before_saving(here: Path, facade: Flotilla) -> None:
    shown = cli(
        "add", "report.ipynb", "--when", "30 2 * * *", "--tz", "America/New_York", "--start",
        "2030-03-08", "--timeout", "1h", "--dry-run", cwd=here,
    )  # fmt: skip

    assert shown.returncode == 0, shown.stderr
    assert "daily at 02:30 America/New_York, from 2030-03-08 00:00" in shown.stderr
    assert "Sun 2030-03-10 03:00 EDT (-04:00)" in shown.stderr
    assert shown.stderr.count("2030-03-") == 6
    assert "nothing was saved" in shown.stderr
    assert fl.schedules() == []


def test_every_verb_of_the_command_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> str:
        commands.main(["schedule", *words], standalone_mode=False)
        shown = capsys.readouterr()
        return shown.out + shown.err

    added = cli("add", "report.ipynb", "--when", "weekdays 07:00", "-p", "n=5", "--json", cwd=here)
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["when_text"] == "weekdays at 07:00 Europe/Berlin"
    assert "wakes it" in added.stderr

    assert "report" in said("ls")
    assert json.loads(said("ls", "--json"))[0]["name"] == "report"
    assert "weekdays at 07:00 Europe/Berlin" in said("show", "report")
    edited = said("edit", "report", "--when", "weekdays 08:00", "--memory", "1G", "--missed", "all")
    assert "revision 2" in edited
    shown = json.loads(said("show", "report", "--json"))
    assert (shown["when"]["cron"], shown["rules"]["missed"]) == ("0 8 * * 1-5", "all")
    assert shown["what"]["spec"]["resources"]["memory_mib"] == 1024
    assert shown["what"]["spec"]["params"] == {"n": 5}
    assert "env" not in shown["what"]["spec"]
    assert "is paused" in said("pause", "report")
    assert "paused" in said("ls")
    assert "goes on: in" in said("resume", "report")
    assert "paused" in said("clone", "report", "copy")
    assert "saved twin" in said("edit", "copy", "--name", "twin")
    back = said("backfill", "report", "2026-11-02", "2026-11-08", "--dry-run")
    assert "5 ticks" in back
    assert "has had no tick yet" in said("history", "report")
    assert "is deleted" in said("rm", "report", "twin")
    assert "No schedules yet" in said("ls")


def test_run_and_history_of_a_real_notebook(here: Path, facade: Flotilla) -> None:
    cli("add", "report.ipynb", "--when", "hourly", cwd=here)

    ran = cli("run", "report", "--json", cwd=here)
    run = fl.get(json.loads(ran.stdout)["run_id"])
    run.wait()

    assert run.status is RunStatus.SUCCEEDED
    assert str(run.logs()).startswith("20")
    [row] = json.loads(cli("history", "report", "--json").stdout)
    assert (row["trigger"], row["run_status"]) == ("now", "SUCCEEDED")
    assert row["revision"].startswith("sha256:")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["report.ipynb"], ["nothing says when", "--when"]),
        (["report.ipynb", "--when", "0 0 31 2 *"], ["no day 31 in month 2"]),
        (["report.ipynb", "--when", "0 0 7 * * *"], ["'0 0 7 * * *' has 6 fields"]),
        (["report.ipynb", "--when", "every 0 minutes"], ["interval of 0 s"]),
        (["report.ipynb", "--when", "daily", "--tz", "Mars/Base"], ["no time zone 'Mars/Base'"]),
        (["report.ipynb", "--when", "daily UTC", "--tz", "Asia/Tokyo"], ["names UTC"]),
        (["report.ipynb", "--when", "once 2001-01-01"], ["no such time any more"]),
        (["report.ipynb", "--when", "daily", "--end", "2001-01-01"], ["no such time any more"]),
        (["report.ipynb", "--when", "daily", "--start", "2031-02-31"], ["'2031-02-31' is no date"]),
        (
            ["report.ipynb", "--when", "daily", "--start", "2031-02-01", "--end", "2031-01-01"],
            ["before the start"],
        ),
        (["report.ipynb", "--when", "daily", "--missed", "maybe"], ["--missed 'maybe'", "skip"]),
        (["report.ipynb", "--when", "daily", "--overlap", "pile"], ["--overlap 'pile'", "queue"]),
        (["report.ipynb", "--when", "daily", "--max-age", "5"], ["not a duration"]),
        (["report.ipynb", "--when", "daily", "--source", "cloud"], ["--source 'cloud'"]),
        (["report.ipynb", "--when", "daily", "--source", "nowhere@main"], ["nowhere"]),
        (
            ["report.ipynb", "--when", "daily", "--source", "https://a:pw1@localhost:9/x.git@main"],
            ["https://***@localhost:9/x.git@main", "credential helper"],
        ),
        (["report.ipynb", "--when", "daily", "--after", "x"], ["by the clock, or after others"]),
        (["report.ipynb", "--when", "daily", "--month-cost", "5"], ["nothing limits", "--timeout"]),
        (["report.ipynb", "--after", "nobody"], ["no schedule and no run"]),
        (["missing.ipynb", "--when", "daily"], ["there is no file"]),
        (["report.ipynb", "--when", "daily", "-p", "m=1"], ["no parameter 'm'"]),
        (["report.ipynb", "--when", "daily", "--memory", "16"], ["not a size"]),
        (["--when", "daily"], ["nothing to schedule"]),
        (["report.ipynb", "--when", "daily", "--", "true"], ["either a FILE or"]),
    ],
)
def test_it_is_refused_in_words_and_nothing_is_saved(
    here: Path, home: Path, facade: Flotilla, words: list[str], expected: list[str]
) -> None:
    said = refused("add", *words)

    for part in expected:
        assert part in said
    assert "pw1" not in said
    assert fl.schedules() == []
    assert not list(home.glob("runs/*/*"))


@pytest.mark.parametrize("verb", ["show", "edit", "pause", "resume", "rm", "run", "history"])
def test_an_unknown_schedule_is_named(here: Path, verb: str) -> None:
    assert "'nope'" in refused(verb, "nope")


def test_what_is_refused_is_so_with_an_exit_code_and_no_traceback(here: Path) -> None:
    said = cli("add", "report.ipynb", "--when", "0 0 31 2 *", cwd=here)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("Error: cron '0 0 31 2 *' never comes")
    assert "Traceback" not in said.stderr


def test_a_snapshot_is_what_it_was_and_a_file_what_it_is(
    here: Path, facade: Flotilla, tick: Callable[[datetime], int]
) -> None:
    frozen = fl.schedule("report.ipynb", when="every minute", name="frozen", overlap="allow")
    live = fl.schedule(
        "report.ipynb", when="every minute", name="live", overlap="allow", source="file"
    )
    witness.notebook(here / "report.ipynb", "print('edited')", parameters=PARAMETERS)

    tick(utc_now() + timedelta(seconds=61))

    assert (frozen.snapshot.what.injects, live.snapshot.what.injects) == (True, True)
    [first], [second] = frozen.history(), live.history()
    assert first.run is not None and second.run is not None
    assert "edited" not in source_of(facade, first.run)
    assert "edited" in source_of(facade, second.run)
    assert first.run.snapshot.spec.revision != second.run.snapshot.spec.revision
    assert second.run.snapshot.spec.interpreter == live.snapshot.what.spec.interpreter


def test_a_notebook_gets_its_tick_as_parameters(
    here: Path, facade: Flotilla, tick: Callable[[datetime], int]
) -> None:
    schedule = fl.schedule("report.ipynb", when="every minute", params={"n": 4})

    now = utc_now() + timedelta(seconds=61)
    tick(now)

    [ticked] = schedule.history()
    assert ticked.run is not None
    at = ticked.tick.scheduled_at
    params = ticked.run.snapshot.spec.params
    assert datetime.fromisoformat(params["scheduled_at"]) == at
    assert (params["interval_end"], params["n"]) == (int(at.timestamp()), 4)
    assert f'scheduled_at = "{params["scheduled_at"]}"' in source_of(facade, ticked.run)
    env = ticked.run.snapshot.spec.env
    assert datetime.fromisoformat(env["FLOTILLA_SCHEDULED_AT"]) == at
    assert datetime.fromisoformat(env["FLOTILLA_INTERVAL_START"]) == at - timedelta(minutes=1)


def test_a_command_gets_its_tick_in_its_words(here: Path, tick: Callable[[datetime], int]) -> None:
    schedule = fl.schedule(
        ["echo", "{scheduled_at:%Y}", "{x}"], when="every minute", name="say", tz="UTC"
    )

    tick(utc_now() + timedelta(seconds=61))

    [ticked] = schedule.history()
    assert ticked.run is not None
    assert not schedule.snapshot.what.injects
    year = str(ticked.tick.scheduled_at.year)
    assert ticked.run.snapshot.spec.command == ("echo", year, "{x}")


def test_a_notebook_that_was_deleted_is_told_and_stops_no_other(
    here: Path, tick: Callable[[datetime], int]
) -> None:
    gone = fl.schedule("report.ipynb", when="every minute", name="gone", source="file")
    other = fl.schedule(["true"], when="every minute", name="other")
    (here / "report.ipynb").unlink()

    tick(utc_now() + timedelta(seconds=61))

    [failed], [made] = gone.history(), other.history()
    assert failed.tick.status is TickStatus.FAILED
    assert "there is no file" in str(failed.tick.reason)
    assert made.run is not None


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_git_has_it_as_it_is_at_the_tick_with_commit_and_author(
    here: Path, tmp_path: Path, facade: Flotilla, tick: Callable[[datetime], int]
) -> None:
    repo = tmp_path / "the repo"
    witness.notebook(repo / "etl" / "load.ipynb", "print(1)", parameters=PARAMETERS)
    (repo / "etl" / "rates.csv").write_text("a\n")
    git(repo, "init", "-q", "-b", "main")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    schedule = fl.schedule("etl/load.ipynb", when="every minute", source=f"{repo}@main")
    witness.notebook(repo / "etl" / "load.ipynb", "print('committed')", parameters=PARAMETERS)
    git(repo, "commit", "-q", "-am", "second")
    witness.notebook(repo / "etl" / "load.ipynb", "print('not committed')", parameters=PARAMETERS)

    tick(utc_now() + timedelta(seconds=61))

    [ticked] = schedule.history()
    assert ticked.run is not None, ticked.tick.reason
    spec = ticked.run.snapshot.spec
    assert "print('committed')" in source_of(facade, ticked.run)
    assert (len(spec.revision or ""), spec.author) == (12, "Ana <ana@example.org>")
    files = facade.artifacts.input_folder(ticked.run.id) / "files"
    assert sorted(path.name for path in files.iterdir()) == ["load.ipynb", "rates.csv"]


def test_a_file_that_git_knows_has_its_commit_and_author(here: Path) -> None:
    git(here, "init", "-q")
    git(here, "add", ".")
    git(here, "commit", "-q", "-m", "first")

    clean = fl.schedule("report.ipynb", when="daily", name="clean").snapshot.what.spec
    witness.notebook(here / "report.ipynb", "print(2)", parameters=PARAMETERS)
    changed = fl.schedule("report.ipynb", when="daily", name="changed").snapshot.what.spec

    assert (len(clean.revision or ""), clean.author) == (12, "Ana <ana@example.org>")
    assert str(changed.revision).startswith(f"{clean.revision}+changes sha256:")


def test_what_cannot_be_made_at_a_tick_is_refused_at_saving(here: Path) -> None:
    with pytest.raises(UnknownParameter, match="no parameter 'm'"):
        fl.schedule("report.ipynb", when="daily", params={"m": 1})
    with pytest.raises(InvalidOption, match="no option 'wen'"):
        fl.schedule("report.ipynb", wen="daily")


def test_two_who_edit_the_same_are_told(here: Path) -> None:
    mine = fl.schedule("report.ipynb", when="daily")
    theirs = fl.get_schedule("report")

    mine.edit(when="daily at 03:00", max_age="2h", month_cost=5, timeout="1h")
    with pytest.raises(ScheduleChanged, match="revision 2, and this edit is of revision 1"):
        theirs.edit(when="daily at 04:00")

    theirs.refresh().edit(max_age="none", month_cost="none", end="2031-01-01")
    rules = fl.get_schedule("report").snapshot.rules
    assert (rules.max_age_s, rules.month_usd) == (None, None)
    assert theirs.when == "daily at 03:00 Europe/Berlin, until 2031-01-01 23:59:59"


def test_an_edit_of_the_time_keeps_the_snapshot_and_one_of_the_file_renews_it(
    here: Path, home: Path, facade: Flotilla
) -> None:
    schedule = fl.schedule("report.ipynb", when="daily", params={"n": 4})
    first = schedule.snapshot.what.snapshot_id

    schedule.edit(when="hourly")
    kept = schedule.snapshot.what.snapshot_id
    schedule.edit(memory="1G", params={"n": 7})
    changed = schedule.snapshot.what
    witness.notebook(here / "report.ipynb", "print('new')", parameters=PARAMETERS)
    schedule.edit("report.ipynb")
    renewed = schedule.snapshot.what

    assert kept == first
    assert changed.snapshot_id != first
    assert changed.spec.params == {"n": 7}
    assert renewed.spec.params == {"n": 7}
    assert renewed.spec.resources.memory_mib == 1024
    assert renewed.spec.revision != changed.spec.revision
    folders = [path.name for path in home.glob("runs/*/s*")]
    assert folders == [renewed.snapshot_id]


def test_a_deleted_schedule_leaves_nothing_of_itself(here: Path, home: Path) -> None:
    schedule = fl.schedule("report.ipynb", when="daily")

    schedule.delete()

    assert not list(home.glob("runs/*/s*"))
    with pytest.raises(ScheduleNotFound):
        fl.get_schedule("report")


def test_a_snapshot_without_a_schedule_is_deleted_after_a_day(
    here: Path, home: Path, facade: Flotilla
) -> None:
    kept = fl.schedule("report.ipynb", when="daily")
    copy = Scheduling(facade).clone(kept.snapshot, "copy")
    left = Scheduling(facade).clone(kept.snapshot, "left")
    with facade.store.write() as tx:  # as where somebody is killed before its folder is deleted
        schedules.delete(tx, left.id)
    sweeper = facade.sweeper(keep_days=None, keep_bytes=None)
    young = sweeper.step(utc_now())

    sweeper.step(utc_now() + timedelta(days=1, hours=2))

    assert young == 0
    named = {kept.snapshot.what.snapshot_id, copy.what.snapshot_id}
    assert {path.name for path in home.glob("runs/*/s*")} == named


def test_an_edit_of_what_was_deleted_leaves_no_snapshot(
    here: Path, home: Path, facade: Flotilla
) -> None:
    schedule = fl.schedule("report.ipynb", when="daily").snapshot
    scheduling = Scheduling(facade)
    asked = Asked(file=here / "report.ipynb", folder=here)
    edit = scheduling.prepare_edit(schedule, ScheduleOptions(), JobOptions(), asked)
    scheduling.delete(schedule)

    with pytest.raises(ScheduleNotFound):
        scheduling.save_edit(edit, 1)

    assert not list(home.glob("runs/*/s*"))


def test_a_run_of_what_was_edited_while_it_was_made_is_refused(
    here: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = fl.schedule("report.ipynb", when="daily")
    make = TickMaker.make

    def edited_meanwhile(maker: TickMaker, *words: Any) -> Any:
        run = make(maker, *words)
        fl.get_schedule("report").edit("report.ipynb")
        return run

    monkeypatch.setattr(TickMaker, "make", edited_meanwhile)
    with pytest.raises(ScheduleChanged):
        schedule.run()

    assert fl.runs() == []
    assert not list(home.glob("runs/*/r*"))


def test_a_name_that_is_taken_is_refused_and_nothing_is_left(here: Path, home: Path) -> None:
    fl.schedule("report.ipynb", when="daily")

    with pytest.raises(InvalidOption, match="a schedule 'report' already"):
        fl.schedule("report.ipynb", when="hourly")

    assert len(list(home.glob("runs/*/s*"))) == 1


def test_a_machine_that_changes_its_name_goes_on(
    here: Path, facade: Flotilla, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = fl.schedule(["true"], when="every minute", name="say")
    monkeypatch.setattr("jupyter_flotilla.machine.host", lambda: "another-name")

    ticker = Ticker(facade.store, TickMaker(facade), "another-name")
    ticker.step(utc_now() + timedelta(seconds=61))

    [ticked] = schedule.history()
    assert ticked.run is not None
    assert ticked.run.snapshot.spec.place == "another-name"


def test_a_paused_schedule_misses_nothing(here: Path, tick: Callable[[datetime], int]) -> None:
    schedule = fl.schedule(["true"], when="every minute", name="say").pause()

    tick(utc_now() + timedelta(seconds=150))
    schedule.resume()
    tick(utc_now())

    assert schedule.history() == []
    assert schedule.upcoming(1)[0] > utc_now()


def test_a_chain_that_is_a_ring_is_refused(here: Path) -> None:
    first = fl.schedule(["true"], when="daily", name="first")
    fl.schedule(["true"], after="first", name="second")

    with pytest.raises(InvalidOption, match="wait for itself: first → second → first"):
        first.edit(after="second")
    with pytest.raises(InvalidOption, match="no schedule and no run"):
        fl.schedule(["true"], after="third", name="third")


def test_a_chain_that_is_edited_to_run_after_a_run_that_has_succeeded_runs_once(
    here: Path, facade: Flotilla, tick: Callable[[datetime], int]
) -> None:
    earlier = fl.schedule(["true"], when="daily", name="earlier").run()
    until(lambda: earlier.status.is_final)
    then = fl.schedule(["true"], after="earlier", name="then")
    with facade.store.write() as tx:  # it ran after something that ended later
        schedules.settle(tx, then.snapshot, utc_now(), None)
    then.refresh().edit(after=earlier.id)

    tick(utc_now())
    tick(utc_now())

    assert [one.tick.status for one in then.history()] == [TickStatus.MADE]


def test_what_others_run_after_is_not_deleted(here: Path) -> None:
    first = fl.schedule(["true"], when="daily", name="first")
    second = fl.schedule(["true"], after="first", name="second")

    with pytest.raises(InvalidOption, match="second runs after first"):
        first.delete()

    second.delete()
    first.delete()
    assert fl.schedules() == []


def test_a_chain_gets_what_it_runs_after(
    here: Path, facade: Flotilla, tick: Callable[[datetime], int]
) -> None:
    notebook = "after_runs: list = []\nafter_notebooks: list = []\nafter_metrics: dict = {}"
    witness.notebook(here / "then.ipynb", "print(after_runs)", parameters=notebook)
    witness.notebook(
        here / "first.ipynb", "from jupyter_flotilla import job\njob.log_metric('loss', 0.5)"
    )
    first = fl.schedule("first.ipynb", when="daily")
    then = fl.schedule("then.ipynb", after="first")

    run = first.run()
    until(lambda: run.status.is_final)
    tick(utc_now())

    [ticked] = then.history()
    assert ticked.run is not None, ticked.tick.reason
    spec = ticked.run.snapshot.spec
    assert spec.params["after_runs"] == [run.id]
    assert spec.params["after_metrics"] == {"loss": 0.5}
    assert Path(spec.params["after_notebooks"][0]) == run.notebook_path
    assert spec.env["FLOTILLA_AFTER_RUNS"] == run.id


def test_a_backfill_runs_the_past_once_and_again_when_asked(
    here: Path, tick: Callable[[datetime], int]
) -> None:
    schedule = fl.schedule(["true"], when="daily 06:00", name="say", overlap="allow")

    moments = schedule.backfill("2026-11-01", "2026-11-03")
    tick(utc_now())
    with pytest.raises(UsageError, match="3 ticks in that time have runs"):
        schedule.backfill("2026-11-01", "2026-11-03")
    more = schedule.backfill("2026-11-01", "2026-11-04", again=True)

    assert [moment.isoformat() for moment in moments] == [
        f"2026-11-0{day}T05:00:00+00:00" for day in (1, 2, 3)
    ]
    assert len(more) == 4
    made = [one for one in schedule.history() if one.run is not None]
    assert len(made) <= 3


def test_a_backfill_can_be_stopped(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schedule = fl.schedule(["true"], when="daily 06:00", name="say")
    schedule.backfill("2026-11-01", "2026-11-03")

    commands.main(["schedule", "backfill", "say", "--stop"], standalone_mode=False)

    assert "3 ticks of its backfill are left out" in capsys.readouterr().err
    assert {one.tick.status for one in schedule.history()} == {TickStatus.SKIPPED}
    assert "stopped by" in str(schedule.history()[0].tick.reason)
    assert len(schedule.backfill("2026-11-01", "2026-11-03")) == 3
    for words in (["2026-11-01", "2026-11-02", "--stop"], ["2026-11-01"], []):
        assert "or is stopped" in refused("backfill", "say", *words)


def test_a_tick_can_be_run_again_with_its_own_values(
    here: Path, facade: Flotilla, tick: Callable[[datetime], int]
) -> None:
    schedule = fl.schedule("report.ipynb", when="daily 06:00", overlap="allow")
    schedule.backfill("2026-11-01", "2026-11-01")
    tick(utc_now())
    [ticked] = schedule.history()
    assert ticked.run is not None
    ticked.run.cancel()
    until(lambda: ticked.run is not None and ticked.run.status.is_final)

    again = schedule.run(tick="2026-11-01 06:00")

    assert again.snapshot.retry_of == ticked.run.id
    assert again.snapshot.spec.params["scheduled_at"] == "2026-11-01T06:00:00+01:00"
    assert [one.tick.run_id for one in schedule.history()] == [again.id]
    with pytest.raises(UsageError, match="has no tick at"):
        schedule.run(tick="2026-11-01 06:01")


def test_the_magic_has_the_same_verbs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from types import SimpleNamespace

    from jupyter_flotilla.magics.completion import _line_words
    from jupyter_flotilla.magics.line import run_line

    shell = SimpleNamespace(user_ns={})
    run_line(shell, "schedule add report.ipynb --when 'weekdays 07:00 Europe/Berlin'")
    run_line(shell, "schedule ls")

    said = capsys.readouterr().out
    assert {"add", "history"} <= set(_line_words(["schedule"]))
    assert {"report", "--missed"} <= set(_line_words(["schedule", "edit"]))
    assert "saved report" in said
    assert "weekdays at 07:00 Europe/Berlin" in said
