"""Schedules in the sidebar of JupyterLab: the form, the list, history, backfills, conflicts."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import witness
from playwright.sync_api import expect
from test_lab_launch import as_if_on_ecs, change_theme, form_of, open_notebook, tab_to
from test_lab_runs import resize_sidebar
from windows import JupyterServer, Window


@pytest.fixture
def nightly(lab: JupyterServer) -> Any:
    """The Lab of the session, with a notebook to schedule; no schedule is left after it."""
    witness.notebook(lab.work / "nightly.ipynb", "print(alpha)", parameters="alpha: int = 1")
    yield lab
    # what waits for another goes before it
    for one in sorted(lab.api("schedules")["schedules"], key=lambda one: one["kind"] != "after"):
        lab.api(f"schedules/{one['id']}/delete", {})


def a_schedule(lab: JupyterServer, name: str, **schedule: Any) -> str:
    """Have a schedule of a command; returns its id."""
    saved = lab.api(
        "schedules",
        {
            "what": {"kind": "command", "argv": ["true"]},
            "options": {"name": name, "timeout": "10m", "engine": "process"},
            "schedule": schedule or {"when": "daily at 02:30", "tz": "Europe/Berlin"},
        },
    )
    return str(saved["id"])


def section_of(window: Window) -> Any:
    """Show the schedules, and return their section."""
    window.command("flotilla:show-schedules")
    return window.page.locator(".jp-Flotilla-schedulesBody")


def schedule_form(page: Any) -> Any:
    """Turn the launch form into one of a schedule."""
    form = form_of(page)
    form.get_by_role("button", name="Schedule…").click()
    expect(form.get_by_label("When", exact=True)).to_be_focused()
    return form


def test_a_schedule_is_saved_by_keyboard_once_its_runs_and_its_price_were_seen(
    window: Window, nightly: JupyterServer
) -> None:
    page = open_notebook(window, "nightly.ipynb")
    window.command("flotilla:launch-notebook")
    form = schedule_form(page)
    when = form.get_by_label("When", exact=True)

    page.keyboard.type("dayly at seven")
    expect(when).to_have_accessible_description(
        "'dayly at seven' says no time → write 'weekdays 07:00 Europe/Berlin', "
        "'every 15 minutes', 'hourly', 'mondays, fridays at 9:30', 'monthly on day 1 at 06:00', "
        "'once 2027-01-31 09:00', or cron: '30 2 * * *' "
        + when.evaluate("e => document.getElementById(`${e.id}-help`).textContent")
    )
    window.shot("lab-schedules-no-time", page.locator("#jp-left-stack"))
    page.keyboard.press("Control+A")
    page.keyboard.type("daily 02:30 America/New_York")
    form.get_by_label("From", exact=True).fill("2027-03-13")
    moments = form.get_by_role("list", name="The next runs").get_by_role("listitem")
    expect(moments).to_have_count(5)
    said = re.findall(r"(\d\d:\d\d)\s*(-\d\d:\d\d)", " ".join(moments.all_inner_texts()))
    assert said == [
        ("02:30", "-05:00"),
        ("03:00", "-04:00"),
        *[("02:30", "-04:00")] * 3,
    ]
    expect(moments.nth(1)).to_contain_text("clocks go forward 1 h before")
    expect(form.get_by_text("daily at 02:30 America/New_York, from 2027-03-13")).to_be_visible()
    form.get_by_role("textbox", name="alpha").fill("4")
    form.get_by_label("Timeout").fill("1h")
    price = form.get_by_role("region", name="Price")
    expect(price).to_contain_text("In 30 days")
    form.get_by_role("button", name="Copy as CLI").click()
    assert page.evaluate("() => navigator.clipboard.readText()") == (
        "jupyter flotilla schedule add nightly.ipynb --when 'daily 02:30 America/New_York' "
        "--start 2027-03-13 --timeout 1h --param alpha=4"
    )
    window.shot("lab-schedules-form", page.locator("#jp-left-stack"))

    when.focus()
    tab_to(page, "Save schedule")
    page.keyboard.press("Enter")
    outcome = form.get_by_role("status").last
    expect(outcome).to_contain_text("Saved \u2068nightly\u2069. It runs next: Sat", timeout=15_000)
    expect(form.get_by_role("note")).to_contain_text("wakes it")
    window.shot("lab-schedules-saved", page.locator("#jp-left-stack"))
    tab_to(page, "Show schedules")
    page.keyboard.press("Enter")
    row = page.locator(".jp-Flotilla-schedule")
    expect(row).to_be_focused()
    expect(row).to_have_accessible_name(
        "nightly, daily at 02:30 America/New_York, from 2027-03-13 00:00"
    )
    [saved] = nightly.api("schedules")["schedules"]
    detail = nightly.api(f"schedules/{saved['id']}")
    assert (detail["notebook"], detail["options"]["params"]) == ("nightly.ipynb", {"alpha": 4})
    assert window.problems == []


def test_it_is_paused_run_looked_at_and_deleted_from_the_list(
    window: Window, nightly: JupyterServer
) -> None:
    schedule = a_schedule(nightly, "tick")
    page = window.go()
    section = section_of(window)
    row = section.locator(f'[data-schedule="{schedule}"]')
    expect(row).to_contain_text("daily at 02:30 Europe/Berlin")

    row.focus()
    page.keyboard.press("p")
    expect(row).to_contain_text("paused")
    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("next")
    row.get_by_role("button", name="Run").last.click()
    expect(row).to_contain_text("succeeded", timeout=20_000)
    window.shot("lab-schedules-list", page.locator("#jp-left-stack"))

    row.focus()
    page.keyboard.press("Enter")
    history = section.get_by_role("region", name="History of")
    tick = history.get_by_role("list", name="History").get_by_role("listitem")
    expect(tick).to_have_count(1)
    expect(tick).to_contain_text("run by hand")
    window.shot("lab-schedules-history", page.locator("#jp-left-stack"))
    tick.get_by_role("button", name="Open").click()
    expect(page.locator("[id^=flotilla-run-]").first).to_be_visible()
    page.locator(".jp-Flotilla-closer button").first.focus()
    page.keyboard.press("Escape")
    expect(row).to_be_focused()

    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Its runs stay.")
    dialog.get_by_role("button", name="Delete schedule").click()
    expect(section.get_by_role("button", name="Schedule this notebook…")).to_be_visible()
    assert nightly.api("schedules")["schedules"] == []
    assert window.problems == []


def test_what_somebody_else_has_changed_meanwhile_is_told_and_neither_is_lost(
    window: Window, nightly: JupyterServer
) -> None:
    schedule = a_schedule(nightly, "report")
    page = window.go()
    row = section_of(window).locator(f'[data-schedule="{schedule}"]')
    row.focus()
    page.keyboard.press("e")
    form = form_of(page)
    expect(form.get_by_role("radio", name="report as it was saved")).to_be_checked()
    when = form.get_by_label("When", exact=True)
    expect(when).to_have_value("daily at 02:30")
    expect(form.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    expect(form.get_by_label("Timeout")).to_have_attribute("placeholder", "10m")
    when.fill("weekdays 06:00")
    expect(form.get_by_text("weekdays at 06:00 Europe/Berlin")).to_be_visible()

    change = {"revision": 1, "options": {"timeout": "20m"}, "schedule": {"month_cost": 3}}
    nightly.api(f"schedules/{schedule}/edit", change)
    form.get_by_role("button", name="Save changes").click()
    conflict = form.get_by_role("alert")
    expect(conflict).to_contain_text("report was changed by")
    expect(conflict).to_contain_text("it is at revision 2, and this edit is of revision 1")
    expect(conflict.get_by_role("listitem")).to_have_text(
        ["Cost cap a month: – → 3", "Timeout: 10m → 20m"]
    )
    window.shot("lab-schedules-conflict", page.locator("#jp-left-stack"))
    assert nightly.api(f"schedules/{schedule}")["when_text"] == "daily at 02:30 Europe/Berlin"

    conflict.get_by_role("button", name="Keep my changes on top").click()
    expect(conflict).to_have_count(0)
    expect(when).to_have_value("weekdays 06:00")
    expect(form.get_by_label("Timeout")).to_have_attribute("placeholder", "20m")
    form_of(page)
    form.get_by_role("button", name="Save changes").click()
    expect(form.get_by_role("status").last).to_contain_text("Saved the changes", timeout=15_000)
    after = nightly.api(f"schedules/{schedule}")
    assert (after["when_text"], after["month_usd"], after["revision"]) == (
        "weekdays at 06:00 Europe/Berlin", 3, 3,
    )  # fmt: skip
    assert after["options"]["timeout_s"] == 1200
    assert window.problems == []


def as_if_in_the_cloud(page: Any) -> list[Any]:
    """Have the browser believe that AWS starts what is on ECS; returns what plans are asked for."""
    plans: list[Any] = []

    def plan(route: Any) -> None:
        asked = route.request.post_data_json
        plans.append(json.loads(json.dumps(asked)))
        if asked["options"].get("engine") == "ecs":
            del asked["options"]["engine"]
            asked["schedule"].pop("where", None)
        route.fulfill(response=route.fetch(post_data=json.dumps(asked)))

    def listed(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        for one in body["schedules"]:
            one.update(where="cloud", engine="ecs", is_placed=one["name"] != "late")
        route.fulfill(response=answer, json=body)

    as_if_on_ecs(page)
    page.route("**/flotilla/api/schedules/plan", plan)
    page.route("**/flotilla/api/schedules", listed)
    return plans


def test_aws_starts_the_runs_of_jobs_that_are_there_alone(
    open_window: Callable[..., Window], nightly: JupyterServer
) -> None:
    window = open_window(nightly, viewport={"width": 1300, "height": 1700})
    plans = as_if_in_the_cloud(window.page)
    for name in ("early", "late"):
        a_schedule(nightly, name)
    page = open_notebook(window, "nightly.ipynb")
    window.command("flotilla:launch-notebook")
    form = schedule_form(page)
    form.get_by_label("When", exact=True).fill("daily 02:30 UTC")
    form.get_by_role("button", name="Rules").click()
    form.get_by_label("Cost cap a month").fill("5")
    form.get_by_label("Timeout").fill("10m")
    starter = form.get_by_label("Started by")
    expect(starter).to_have_count(0)

    form.get_by_role("radio", name="ecs").check()
    starter.select_option("AWS, with everything off")
    expect(form.get_by_label("Cost cap a month")).to_have_count(0)
    expect(form.get_by_text("Nobody is there to keep these")).to_be_visible()
    expect(form.get_by_role("region", name="Price")).to_contain_text("In 30 days")
    assert plans[-1]["schedule"] == {"when": "daily 02:30 UTC", "where": "cloud"}
    section = page.locator(".jp-Flotilla-schedulesBody")
    for theme in ("Light", "Dark"):
        change_theme(page, theme)
        for width in (250, 400) if theme == "Light" else (250,):
            resize_sidebar(page, width)
            window.command("flotilla:schedule")
            name = f"{width}px-{theme.lower()}"
            window.shot(f"lab-schedules-cloud-form-{name}", page.locator("#jp-left-stack"))
            window.command("flotilla:show-schedules")
            expect(section.get_by_role("listitem")).to_have_count(2)
            window.shot(f"lab-schedules-cloud-{name}", page.locator("#jp-left-stack"))
            for one in (form, section):
                assert one.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
        window.check_axe(".jp-Flotilla-launch")
        window.check_axe(".jp-Flotilla-schedules")
    change_theme(page, "Light")
    early, late = section.get_by_role("listitem").all()
    expect(early).to_have_accessible_name("early, daily at 02:30 Europe/Berlin, AWS starts it")
    expect(late).to_contain_text("not in AWS yet")
    expect(section.get_by_role("note")).to_have_count(0)

    window.command("flotilla:schedule")
    form.get_by_role("radio", name="process").check()
    expect(starter).to_have_accessible_description(re.compile("jobs of engine process run on this"))
    starter.select_option("This machine")
    expect(form.get_by_label("Cost cap a month")).to_have_value("5")
    expect(form.get_by_role("region", name="Price")).to_contain_text("In 30 days")
    assert window.problems == []


def test_a_backfill_says_its_price_first_and_axe_finds_nothing_in_any_theme(
    open_window: Callable[..., Window], nightly: JupyterServer
) -> None:
    window = open_window(nightly, viewport={"width": 1300, "height": 1500})
    schedule = a_schedule(nightly, "etl", when="daily at 02:30", tz="UTC")
    a_schedule(nightly, "report-of-what-etl-has-made-with-a-long-name", after="etl")
    page = open_notebook(window, "nightly.ipynb")
    window.command("flotilla:launch-notebook")
    form = schedule_form(page)
    form.get_by_label("When", exact=True).fill("daily 02:30 America/New_York")
    form.get_by_label("From", exact=True).fill("2027-03-13")
    form.get_by_role("button", name="Rules").click()
    expect(form.get_by_role("region", name="Price")).to_contain_text("In 30 days")
    section = page.locator(".jp-Flotilla-schedulesBody")
    for theme in ("Light", "Dark", "Dark High Contrast"):
        change_theme(page, theme)
        widths = (250, 400) if theme == "Light" else (250,)
        name = theme.lower().replace(" ", "-")
        window.command("flotilla:schedule")
        for width in widths:
            resize_sidebar(page, width)
            window.shot(f"lab-schedules-form-{width}px-{name}", page.locator("#jp-left-stack"))
            assert form.evaluate("e => e.parentElement.scrollWidth - e.clientWidth") <= 0
        window.check_axe(".jp-Flotilla-launch")
        window.command("flotilla:schedule-history", id=schedule)
        expect(section.get_by_role("region", name="History")).to_be_visible()
        window.check_axe(".jp-Flotilla-schedules")
        page.keyboard.press("Escape")
        expect(section.get_by_role("listitem")).to_have_count(2)
        for width in widths:
            resize_sidebar(page, width)
            window.shot(f"lab-schedules-{width}px-{name}", page.locator("#jp-left-stack"))
            assert section.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
        window.check_axe(".jp-Flotilla-schedules")
        window.command("flotilla:backfill-schedule", id=schedule)
        expect(section.get_by_role("button", name=re.compile(r"Run [78]"))).to_be_enabled()
        window.check_axe(".jp-Flotilla-schedules")
        window.shot(f"lab-schedules-backfill-{name}", page.locator("#jp-left-stack"))
        page.keyboard.press("Escape")
    change_theme(page, "Light")

    window.command("flotilla:backfill-schedule", id=schedule)
    backfill = section.get_by_role("region", name="Backfill")
    backfill.get_by_label("From").fill("2026-01-01T00:00")
    backfill.get_by_label("To, included").fill("2026-01-02T23:00")
    expect(backfill.get_by_role("status")).to_contain_text("2 runs, at most $")
    assert nightly.api(f"schedules/{schedule}")["history"] == []
    backfill.get_by_role("button", name="Run 2").click()
    ticks = section.get_by_role("list", name="History").get_by_role("listitem")
    expect(ticks).to_have_count(2)
    assert window.problems == []
