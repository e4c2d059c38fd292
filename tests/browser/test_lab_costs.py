"""The costs in the sidebar of JupyterLab."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from test_lab_launch import change_theme
from test_lab_runs import resize_sidebar
from windows import JupyterServer, Window

from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import FailureKind, Usage
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.run import Run, RunStatus, new_run_id
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store


def a_charge(
    lab: JupyterServer,
    usd: float,
    *,
    engine: str = "ecs",
    name: str = "train",
    days_ago: int = 0,
    is_failed: bool = False,
    tag: str = "forecast",
) -> str:
    """Have a run in the store that has ended and cost something; returns its id."""
    ended = datetime.now(UTC) - timedelta(days=days_ago, seconds=1)
    began = ended - timedelta(minutes=10)
    spec = JobSpec.model_validate(
        {
            "kind": "command",
            "command": ("true",),
            "name": name,
            "path": f"/home/ada/projects/{name}.ipynb",
            "cwd": "/",
            "interpreter": "python",
            "engine": engine,
            "place": "costs",
            "tags": {"team": tag},
            "resources": {"memory_mib": 8192},
        }
    )
    run = Run(id=new_run_id(), spec=spec, owner="ada", created_at=began)
    failure = FailureKind.OUT_OF_MEMORY if is_failed else None
    end = {
        "started_at": began,
        "ended_at": ended,
        "duration_s": 600.0,
        "charge_usd": usd,
        "failure_kind": failure,
        "usage": Usage(peak_memory_mib=1024.0),
        "resources": Resources(memory_mib=8192),
    }
    store = Store(lab.root / "home" / "flotilla.db")
    with store.write() as tx:
        runs.insert(tx, run)
        attempt = attempts.claim(tx, engine, "costs", 100, began)
        assert attempt is not None
        attempts.update(tx, attempt.model_copy(update=end))
        pending = runs.get(tx, run.id)
        running = pending.advance(RunStatus.RUNNING, began)
        assert runs.apply(tx, pending, running, began)
        last = RunStatus.FAILED if is_failed else RunStatus.SUCCEEDED
        assert runs.apply(tx, running, running.advance(last, ended, failure_kind=failure), ended)
    store.close()
    return run.id


@pytest.fixture(scope="module")
def spent_lab(lab: JupyterServer) -> Iterator[JupyterServer]:
    """The Lab of the session, with a budget and with runs that somebody, or nobody, paid."""
    settings = lab.root / "flotilla.toml"
    before = settings.read_text()
    settings.write_text(before + "monthly_budget = 50\n")
    made = [
        a_charge(lab, 12.5, name="train"),
        a_charge(lab, 6.25, name="embed", is_failed=True, tag="search"),
        a_charge(lab, 3.0, engine="process", name="train"),
        a_charge(lab, 0.8, name="a-notebook-with-a-very-long-name-that-does-not-fit"),
        a_charge(lab, 40.0, name="last-year", days_ago=300),
    ]
    yield lab
    settings.write_text(before)
    store = Store(lab.root / "home" / "flotilla.db")
    with store.write() as tx:
        assert all(runs.delete(tx, run_id) for run_id in made)
    store.close()


def test_what_is_billed_is_apart_from_what_nobody_pays(
    window: Window, spent_lab: JupyterServer
) -> None:
    page = window.go()
    page.keyboard.press("Alt+Shift+F")
    page.get_by_role("button", name="Costs Section").or_(
        page.get_by_role("heading", name="Costs")
    ).first.click()
    costs = page.locator(".jp-Flotilla-costsBody")
    expect(costs.get_by_text("of $50.00")).to_be_visible()
    expect(costs.get_by_role("meter")).to_be_visible()
    costs.get_by_role("button", name="all", exact=True).click()
    expect(costs.get_by_role("listitem").filter(has_text="last-year").first).to_be_visible()
    costs.get_by_role("button", name="7 days").click()
    expect(costs.get_by_text("last-year")).to_have_count(0)

    train = costs.get_by_role("listitem").filter(has_text="train.ipynb")
    expect(train).to_contain_text("$12.50 + ≈$3.00")
    wasteful = costs.locator("section").filter(has_text="Most wasteful")
    expect(wasteful.get_by_role("listitem").first).to_contain_text("$6.25 for attempts that failed")
    costs.get_by_role("button", name="by tag").click()
    expect(costs.get_by_role("listitem").filter(has_text="team=search")).to_contain_text("$6.25")
    costs.get_by_role("button", name="by notebook").click()
    expect(train).to_be_visible()

    for theme in ("Light", "Dark", "Dark High Contrast"):
        change_theme(page, theme)
        for width in (250, 600):
            resize_sidebar(page, width)
            name = theme.lower().replace(" ", "-")
            window.shot(f"lab-costs-{width}px-{name}", page.locator("#jp-left-stack"))
            assert costs.evaluate("e => e.parentElement.scrollWidth - e.clientWidth") <= 0
        window.check_axe(".jp-Flotilla-costs")
    change_theme(page, "Light")

    run_id = spent_lab.api(
        "runs",
        {
            "what": {"kind": "command", "argv": ["true"]},
            "options": {"name": "ends-now", "tags": ["team=now"]},
            "confirm": False,
        },
    )["run"]["id"]
    costs.get_by_role("button", name="by tag").click()
    expect(costs.get_by_role("listitem").filter(has_text="team=now")).to_be_visible(timeout=30_000)
    dearest = costs.locator("section").filter(has_text="Most expensive").get_by_role("button").first
    expect(dearest).to_contain_text("$12.50")
    dearest.click()
    expect(page.locator("[id^=flotilla-run-]")).to_be_visible()
    assert page.locator(f"#flotilla-run-{run_id}").count() == 0
    assert window.problems == []
