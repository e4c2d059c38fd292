"""The launch form in the sidebar of JupyterLab."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import witness
from playwright.sync_api import expect
from test_lab_runs import resize_sidebar
from windows import JupyterServer, Window

PARAMETERS = """alpha: int = 1  # steps
rate: float = 0.1
label: str = "first"
fast: bool = False
layers: list = [8, 4]"""

#: What a plan is like where somebody pays.
PAID_PLAN = {
    "is_hypothetical": False,
    "usd_per_h": 0.2331,
    "ceiling_usd": 0.46,
    "expected": {"runs": 5, "duration_p50_s": 64, "duration_p90_s": 131,
                 "cost_p50_usd": 0.012, "cost_p90_usd": 0.031},
    "notes": ["Spot's price floats, this one is of today; the ceiling is reckoned on demand"],
    "asks": ["with $49.80 this month it may pass the monthly budget of $50.00"],
    "packages": [f"package-{n}==1.{n}" for n in range(14)],
    "files": [{"path": "data/train.csv", "size_bytes": 4_200_000}],
    "month_usd": 49.8,
    "monthly_budget_usd": 50.0,
    "recommendation": {"options": {"memory": "16G"}, "text": "the last 5 runs peaked at 12.4 G"},
}  # fmt: skip

#: What is pressed to come from the first field to the button, where nothing is folded out.
TAB_ORDER = [
    "This notebook", "process", "Check again", "vCPU", "Memory", "Timeout", "Cost cap", "Retries",
    "If out of memory", "alpha", "Several values of alpha", "rate", "Several values of rate",
    "label", "Several values of label", "fast", "Several values of fast", "layers",
    "Several values of layers", "More", "What travels", "Copy as magic", "Copy as CLI",
    "Copy as Python", "Launch",
]  # fmt: skip

NAME_OF_FOCUS = """() => {
    const it = document.activeElement;
    return it.getAttribute('aria-label') || it.labels?.[0]?.textContent || it.textContent;
}"""


@pytest.fixture(scope="module")
def train(lab: JupyterServer) -> Iterator[JupyterServer]:
    """The Lab of the session, with a notebook that has parameters of every type."""
    said = "print('alpha is', alpha, 'of', label)"
    witness.notebook(lab.work / "train.ipynb", said, parameters=PARAMETERS)
    yield lab


def open_notebook(window: Window, name: str) -> Any:
    """Open a notebook, and return the page when it has taken the focus."""
    page = window.go()
    page.evaluate(
        """async path => {
            const { commands } = window.jupyterapp;
            const panel = await commands.execute('docmanager:open', { path });
            await panel.revealed;
        }""",
        name,
    )
    focused = "() => document.activeElement?.closest('.jp-NotebookPanel .jp-Cell')"
    page.wait_for_function(focused)
    return page


def form_of(page: Any) -> Any:
    """Return the launch form, once it has a price."""
    form = page.locator(".jp-Flotilla-form")
    # the first one that asks has the server look for Docker and AWS
    price = form.locator(".jp-Flotilla-price:not([data-stale])")
    expect(price).to_be_visible(timeout=30_000)
    return form


def tab_to(page: Any, name: str) -> list[str]:
    """Press Tab until a control has the focus whose name begins so; returns names on the way."""
    names = [page.evaluate(NAME_OF_FOCUS)]
    while not names[-1].startswith(name):
        assert len(names) < 60, names
        page.keyboard.press("Tab")
        names.append(page.evaluate(NAME_OF_FOCUS))
    return names


def output_of(lab: JupyterServer, run_id: str) -> str:
    """Return what the last cell of an executed notebook has printed."""
    cells = lab.api(f"runs/{run_id}/notebook")["notebook"]["cells"]
    return "".join(cells[-1]["outputs"][0]["text"])


def test_a_notebook_is_launched_by_keyboard_alone(window: Window, train: JupyterServer) -> None:
    page = open_notebook(window, "train.ipynb")
    button = page.get_by_role("button", name="Run on Flotilla", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    form = form_of(page)
    expect(form.get_by_role("radio", name="This notebook")).to_be_focused()

    passed = tab_to(page, "Launch")
    assert len(passed) == len(TAB_ORDER), passed
    assert all(name.startswith(one) for name, one in zip(passed, TAB_ORDER, strict=True)), passed

    form.get_by_role("radio", name="This notebook").focus()
    tab_to(page, "Memory")
    page.keyboard.type("16")
    memory = form.get_by_label("Memory", exact=True)
    expect(memory).to_have_attribute("aria-invalid", "true")
    expect(memory).to_have_accessible_description(
        "'16' is not a size → write a number with its unit: 16G or 512M "
        "Memory limit with its unit, e.g. 16G. [default: none here, priced as 4G]"
    )
    window.shot("lab-launch-wrong-size")
    window.check_axe(".jp-Flotilla-launch")
    page.keyboard.type("G")
    expect(memory).not_to_have_attribute("aria-invalid", "true")
    expect(form.locator(".jp-Flotilla-price:not([data-stale])")).to_contain_text("per hour")

    tab_to(page, "alpha")
    page.keyboard.type("many")
    tab_to(page, "Launch")
    page.keyboard.press("Enter")
    alpha = form.get_by_role("textbox", name="alpha")
    expect(alpha).to_be_focused()
    expect(alpha).to_have_accessible_description('"many" is not a whole number. steps')
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    tab_to(page, "Launch")
    page.keyboard.press("Space")

    outcome = form.get_by_role("status")
    expect(outcome).to_contain_text("Launched r", timeout=15_000)
    window.shot("lab-launch-launched")
    tab_to(page, "Open")
    page.keyboard.press("Enter")
    expect(page.locator("[id^=flotilla-run-]").first).to_be_visible()
    run_id = page.locator("[id^=flotilla-run-]").first.get_attribute("id").rpartition("-")[2]
    page.keyboard.press("Alt+Shift+F")
    row = page.locator(f'[data-run="{run_id}"]')
    expect(row).to_have_attribute("data-status", "SUCCEEDED", timeout=40_000)
    assert output_of(train, run_id) == "alpha is 3 of first\n"
    assert train.api(f"runs/{run_id}")["resources"]["memory_mib"] == 16 * 1024

    window.command("flotilla:retry-with-changes", id=run_id)
    expect(form.get_by_role("radio", name=f"train again, run {run_id[:7]}")).to_be_checked()
    expect(form_of(page)).to_contain_text("per hour")
    assert window.problems == []


def change_theme(page: Any, theme: str) -> None:
    """Have Lab look otherwise, and return when it does."""
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
        f"JupyterLab {theme}",
    )
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def as_if_on_ecs(page: Any) -> None:
    """Have the browser believe that ECS is set up, and that Docker is not."""

    def form(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        for engine in body["engines"]:
            if engine["name"] == "ecs":
                engine.update(ok=True, message="cluster flotilla in eu-west-1", next=None)
            if engine["name"] == "docker":
                engine.update(ok=False, message="no daemon answers", next="start Docker Desktop")
        body["profiles"] = ["big"]
        route.fulfill(response=answer, json=body)

    def plan(route: Any) -> None:
        asked = route.request.post_data_json
        is_paid = asked["options"].pop("engine", "") == "ecs"
        answer = route.fetch(post_data=json.dumps(asked))
        body = answer.json()
        route.fulfill(response=answer, json=body | (PAID_PLAN if is_paid and answer.ok else {}))

    page.route("**/flotilla/api/form", form)
    page.route("**/flotilla/api/plan", plan)


def test_only_legal_sizes_are_offered_and_axe_finds_nothing_at_any_width(
    open_window: Callable[..., Window], train: JupyterServer
) -> None:
    window = open_window(train, viewport={"width": 1300, "height": 2300})
    as_if_on_ecs(window.page)
    page = open_notebook(window, "train.ipynb")
    window.command("flotilla:launch-notebook")
    form = form_of(page)
    expect(form.get_by_role("radio", name="docker")).to_be_disabled()
    expect(form.get_by_text("no daemon answers → start Docker Desktop")).to_be_visible()

    form.get_by_role("radio", name="ecs").check()
    cpu, memory = form.get_by_label("vCPU"), form.get_by_label("Memory", exact=True)
    expect(memory).to_have_value("4096")
    cpu.select_option("4")
    expect(memory).to_have_value("8192")
    sizes = memory.locator("option").all_inner_texts()
    assert (sizes[0], sizes[-1], len(sizes)) == ("8 G", "30 G", 23)
    expect(form.get_by_text("at most $0.46", exact=True)).to_be_visible()
    form.get_by_role("button", name="Use").click()
    expect(memory).to_have_value("16384")

    form.get_by_role("textbox", name="rate").fill("0.1, 0.01")
    form.get_by_role("button", name="Several values of rate").click()
    expect(form.get_by_text("at most $0.46 by 2 runs", exact=True)).to_be_visible()
    form.get_by_role("textbox", name="layers").fill("8, 4")
    expect(form.get_by_text("This is no JSON list")).to_be_visible()
    for part in ("More", "What travels"):
        form.get_by_role("button", name=part).click()
    for theme in ("Light", "Dark", "Dark High Contrast"):
        change_theme(page, theme)
        for width in (250, 320, 600):
            resize_sidebar(page, width)
            name = theme.lower().replace(" ", "-")
            window.shot(f"lab-launch-{width}px-{name}", page.locator("#jp-left-stack"))
            assert form.evaluate("e => e.parentElement.scrollWidth - e.clientWidth") <= 0
        window.check_axe(".jp-Flotilla-launch")
    change_theme(page, "Light")
    form.get_by_role("button", name="Reset").click()
    expect(form.get_by_role("textbox", name="layers")).to_have_value("")
    expect(form.get_by_role("radio", name="process")).to_be_checked()
    assert window.problems == []


def ask_for_consent(path: Path) -> None:
    """Have a notebook ask for something that the user has not seen."""
    notebook = json.loads(path.read_text())
    notebook["metadata"]["flotilla"] = {"env": {"MODE": "fast"}}
    path.write_text(json.dumps(notebook))


def test_what_is_unseen_is_agreed_to_and_what_is_typed_survives_a_reload(
    window: Window, lab: JupyterServer
) -> None:
    asking = witness.notebook(lab.work / "asking.ipynb", "1", parameters="label: str = 'a'")
    ask_for_consent(asking)
    page = open_notebook(window, "asking.ipynb")
    window.command("flotilla:launch-notebook")
    form = form_of(page)
    form.get_by_role("textbox", name="label").fill("typed")
    expect(form.get_by_text("To be agreed to")).to_be_visible()

    launch = form.get_by_role("button", name="Launch")
    launch.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_contain_text("MODE")
    window.shot("lab-launch-consent")
    dialog.get_by_role("button", name="Cancel").click()
    expect(form.get_by_role("status")).to_have_text("")
    launch.click()
    dialog.get_by_role("button", name="Agree and launch").click()
    expect(form.get_by_role("status")).to_contain_text("Launched r", timeout=15_000)

    with page.expect_response(lambda answer: "/api/workspaces" in answer.url):
        pass
    page = window.go("lab")
    form = form_of(page)
    expect(form.get_by_role("textbox", name="label")).to_have_value("typed")
    assert window.problems == []


def test_cells_and_files_are_launched_and_copied_and_changes_are_saved_first(
    window: Window, lab: JupyterServer
) -> None:
    witness.notebook(lab.work / "cells.ipynb", "a = 20", "print(a + 1)", parameters="b: int = 1")
    page = open_notebook(window, "cells.ipynb")
    window.command("flotilla:launch-notebook")
    form = form_of(page)
    cells = page.locator(".jp-NotebookPanel .jp-CodeCell")
    cells.nth(1).locator(".jp-InputPrompt").click()
    cells.nth(2).locator(".jp-InputPrompt").click(modifiers=["Shift"])
    form.get_by_role("radio", name="Selected cells").check()
    expect(form.get_by_text("2 code cells")).to_be_visible()
    expect(form.get_by_role("textbox", name="b")).to_have_count(0)
    form_of(page)
    form.get_by_role("button", name="Copy as magic").click()
    expect(form.get_by_role("status")).to_have_text("Copied as magic.")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.endswith("\na = 20\n\nprint(a + 1)")

    form.get_by_role("radio", name="File").check()
    form.get_by_role("button", name="Browse…").click()
    dialog = page.get_by_role("dialog")
    window.shot("lab-launch-browse")
    dialog.locator(".jp-DirListing-item").filter(has_text="script.py").click()
    dialog.get_by_role("button", name="Select").click()
    path = form.get_by_label("Notebook or Python file")
    expect(path).to_have_value("script.py")
    path.fill("no-such.ipynb")
    expect(path).to_have_accessible_description(
        "there is no file 'no-such.ipynb' → save it first; was it renamed or deleted?"
    )
    window.shot("lab-launch-no-file", page.locator("#jp-left-stack"))

    form.get_by_role("radio", name="This notebook").check()
    cells.nth(2).locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nprint('typed just now')")
    expect(form.get_by_text("unsaved")).to_be_visible()
    form.get_by_role("button", name="Launch").click()
    expect(form.get_by_role("status")).to_contain_text(
        "Saved the notebook. Launched r", timeout=15_000
    )
    assert "typed just now" in (lab.work / "cells.ipynb").read_text()
    assert window.problems == []
