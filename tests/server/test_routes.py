import asyncio
import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import witness
from witness import NOW

import jupyter_flotilla as fl
from jupyter_flotilla.server import places
from jupyter_flotilla.server.copied import commands
from jupyter_flotilla.server.wire.launch import FileJob, FormOut, PlanOut, RunCreated
from jupyter_flotilla.server.wire.places import (
    CostsOut,
    DoctorOut,
    SettingsOut,
    StatusOut,
    WasteOut,
)
from jupyter_flotilla.server.wire.runs import RunDetail, RunOut, RunsPage
from jupyter_flotilla.server.wire.stream import NotebookOut, SearchOut, StreamOut, UsageSeriesOut


def _named(name: str) -> bytes:
    """Return a launch under some name."""
    what = {"kind": "command", "argv": ["true"]}
    return json.dumps({"what": what, "options": {"name": name}}).encode()


async def test_status_says_how_it_stands(ask, make_run):
    make_run()

    status, body = await ask("status")

    assert status == 200
    assert StatusOut.model_validate(body).counts["QUEUED"] == 1


async def test_lists_come_in_pages(ask, make_run):
    made = [make_run(name=f"n{n}", created_at=NOW + timedelta(seconds=n)) for n in range(5)]

    _, first = await ask("runs", limit=2)
    _, second = await ask("runs", limit=2, cursor=first["next"])
    _, third = await ask("runs", limit=2, cursor=second["next"])

    pages = [RunsPage.model_validate(one) for one in (first, second, third)]
    assert [run.id for page in pages for run in page.runs] == [run.id for run in reversed(made)]
    assert ([page.total for page in pages], pages[2].next) == ([5, 5, 5], None)
    assert pages[0].seq > 0


async def test_lists_are_filtered_and_sorted(ask, make_run, root):
    mine = make_run(name="b", tags={"team": "x"}, path=str(root / "deep/train.ipynb"))
    make_run(name="a", owner="you")

    for query in ({"tag": "team=x"}, {"tag": "team"}, {"owner": "me"}, {"text": "TRAIN"},
                  {"notebook": "deep/train.ipynb"}, {"notebook": str(root / "deep/train.ipynb")},
                  {"status": "QUEUED", "owner": "me"}):  # fmt: skip
        _, body = await ask("runs", **query)
        assert [run["id"] for run in body["runs"]] == [mine.id], query
    _, body = await ask("runs", sort="name", order="asc")
    assert [run["name"] for run in body["runs"]] == ["a", "b"]
    assert [run["notebook"] for run in body["runs"]] == [None, "deep/train.ipynb"]


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("runs", {"limit": 0}, 422, "invalid-value"),
        ("runs", {"limit": "x"}, 422, "invalid-value"),
        ("runs", {"nothing": 1}, 422, "invalid-value"),
        ("runs", {"status": "DONE"}, 422, "invalid-value"),
        ("runs", {"cursor": "]["}, 422, "invalid-option"),
        ("runs", {"cursor": "[true,1,2]"}, 422, "invalid-option"),
        ("runs", {"since": "yesterday"}, 422, "invalid-option"),
        ("runs", {"notebook": "../x.ipynb"}, 404, "file-not-found"),
        ("runs/r000000000000", {}, 404, "run-not-found"),
        ("runs/r000000000000/stream", {}, 404, "run-not-found"),
        ("runs/R000000000000", {}, 404, "not-found"),
        ("runs/..%2f..%2fetc", {}, 404, "not-found"),
        ("nowhere", {}, 404, "not-found"),
        ("plan", {}, 405, "method-not-allowed"),
    ],
)
async def test_what_is_wrong_is_said(ask, path, query, status, code):
    found, body = await ask(path, **query)

    assert (found, body["code"]) == (status, code)
    assert body["message"]
    assert "next" in body


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "bad-request"),
        (b"[1]", 400, "bad-request"),
        (b"[" * 100_000, 400, "bad-request"),
        (b"{}", 422, "invalid-value"),
        (b'{"what": {"kind": "file", "path": "../../etc/passwd"}}', 404, "file-not-found"),
        (b'{"what": {"kind": "file", "path": "gone.ipynb"}}', 404, "file-not-found"),
        (b'{"what": {"kind": "command", "argv": []}}', 422, "invalid-value"),
        (b'{"what": {"kind": "command", "argv": ["true"]}, "options": {"x": 1}}', 422,
         "invalid-option"),
        (b'{"what": {"kind": "command", "argv": ["true"]}, "options": {"memory": 16}}', 422,
         "invalid-option"),
        (b'{"what": {"kind": "command", "argv": ["true"]}, "options": {"engine": "moon"}}', 422,
         "unknown-engine"),
        (b'{"what": {"kind": "source", "source": "1"}, "options": {"grid": {"a": [1]}}}', 422,
         "invalid-option"),
        (b" " * (8 * 2**20 + 1), 413, "too-large"),
        (_named("x" * 1_000_000), 422, "invalid-option"),
        (_named("<img src=x onerror=alert(1)>"), 422, "invalid-option"),
        (_named("\u202egnp.exe \U0001f680"), 422, "invalid-option"),
    ],
)  # fmt: skip
async def test_a_launch_that_means_nothing_is_refused(ask, facade, raw, status, code):
    found, body = await ask("runs", raw=raw)

    assert (found, body["code"]) == (status, code), body
    assert len(body["message"]) < 1_000
    assert facade.latest() == []


async def test_a_command_is_launched_followed_and_read(ask, root):
    (root / "work").mkdir()
    script = "pwd; echo one; echo two >&2; mkdir out; echo x > out/made.txt"
    what = {"kind": "command", "argv": ["sh", "-c", script], "folder": "work"}

    status, created = await ask(
        "runs", body={"what": what, "options": {"fetch": ["out/*"], "tags": {"team": "x"}}}
    )

    assert status == 201
    run = RunCreated.model_validate(created).run
    assert (run.tags, run.engine, run.is_billed) == ({"team": "x"}, "process", False)
    after, said = 0, ""
    while True:  # held by the server until there is more
        _, part = await ask(f"runs/{run.id}/stream", after=after, wait_s=10)
        body = StreamOut.model_validate(part)
        said += "".join(record["text"] for record in body.records if "text" in record)
        after = body.last
        if body.is_over:
            break
    assert set(said.splitlines()) >= {str(root / "work"), "one", "two"}
    _, detail = await ask(f"runs/{run.id}")
    whole = RunDetail.model_validate(detail)
    assert (whole.status, whole.explanation.split()[-1]) == ("SUCCEEDED", "succeeded.")
    assert [file.path for file in whole.files] == ["out/made.txt"]
    assert whole.events[0].name == "QUEUED"
    _, usage = await ask(f"runs/{run.id}/usage")
    assert UsageSeriesOut.model_validate(usage).limit_mib is None
    _, found = await ask(f"runs/{run.id}/stream/search", text="TWO")
    [hit] = SearchOut.model_validate(found).hits
    assert hit.text == "two"
    _, costs = await ask("costs", by="tag")
    assert CostsOut.model_validate(costs).rows[0].group == "team=x"
    _, waste = await ask("costs/waste")
    assert [one.run.id for one in WasteOut.model_validate(waste).expensive] == [run.id]


async def test_a_notebook_is_planned_launched_and_its_outputs_come_back(ask, root):
    witness.notebook(root / "train.ipynb", "print('alpha is', alpha)", parameters="alpha: int = 1")
    what = {"kind": "file", "path": "train.ipynb"}

    _, form = await ask("form", body={"what": what})
    _, plan = await ask("plan", body={"what": what, "options": {"params": {"alpha": 3},
                                                               "timeout": "1h"}})  # fmt: skip
    _, created = await ask("runs", body={"what": what, "options": {"params": {"alpha": 3}}})

    [parameter] = FormOut.model_validate(form).parameters
    assert (parameter.name, parameter.type, parameter.default) == ("alpha", "int", 1)
    found = PlanOut.model_validate(plan)
    assert (found.name, found.runs, found.timeout_s, found.asks) == ("train", 1, 3600, [])
    assert found.ceiling_usd > 0
    assert found.commands.cli == "jupyter flotilla run train.ipynb --param alpha=3 --timeout 1h"
    assert "run_notebook('train.ipynb', params={'alpha': 3}" in found.commands.python
    run = fl.get(created["run"]["id"]).wait()
    status, body = await ask(f"runs/{run.id}/notebook")
    assert status == 200
    cells = NotebookOut.model_validate(body).notebook["cells"]
    assert cells[-1]["outputs"][0]["text"] == ["alpha is 3\n"]


async def test_a_grid_is_launched_as_one(ask, root, facade):
    witness.notebook(root / "train.ipynb", "alpha", parameters="alpha = 1")
    what = {"kind": "file", "path": "train.ipynb"}
    options = {"grid": {"alpha": [1, 2, 3]}}

    _, plan = await ask("plan", body={"what": what, "options": options})
    status, created = await ask("runs", body={"what": what, "options": options})

    assert (plan["runs"], plan["commands"]["cli"]) == (
        3, "jupyter flotilla run train.ipynb --grid alpha=1,2,3",
    )  # fmt: skip
    assert (status, created["runs"]) == (201, 3)
    for run in facade.grid_runs(created["grid"]):
        fl.get(run.id).wait()
    _, body = await ask("runs", grid=created["grid"])
    assert [run["status"] for run in body["runs"]] == ["SUCCEEDED"] * 3


async def test_a_form_has_fields_for_grids_too(ask):
    _, form = await ask("form", body={})

    options = FormOut.model_validate(form).options
    of_grids = [option.keyword for option in options if option.group == "grid"]
    assert of_grids == ["grid", "zip", "points", "max_parallel", "budget"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.1, "adam"], "k=0.1,adam"),
        (["1", "2"], """'k=["1", "2"]'"""),
        (["a,b", "c"], """'k=["a,b", "c"]'"""),
        (["1:2:3"], """'k=["1:2:3"]'"""),
        ([[1, 2], {"x": None}], """'k=[[1, 2], {"x": null}]'"""),
        ("3:9:2", "k=3:9:2"),
    ],
    ids=str,
)
def test_a_grid_is_copied_so_that_it_is_read_as_it_was_meant(values, shown):
    what = FileJob(kind="file", path="train.ipynb")

    copied = commands(what, {"grid": {"k": values}})

    assert copied.cli == f"jupyter flotilla run train.ipynb --grid {shown}"


async def test_selected_cells_run_in_the_folder_of_their_notebook(ask, root):
    (root / "deep").mkdir()
    what = {"kind": "source", "source": "import os\nprint(os.getcwd())\n6 * 7",
            "path": "deep/train.ipynb"}  # fmt: skip

    _, created = await ask("runs", body={"what": what})

    run = fl.get(created["run"]["id"]).wait()
    assert run.result() == {"text/plain": "42"}
    assert str(run.logs()).startswith(str(root / "deep"))


async def test_a_run_is_cancelled_kept_and_retried(ask):
    _, created = await ask("runs", body={"what": {"kind": "command", "argv": ["sleep", "99"]}})
    run_id = created["run"]["id"]

    _, cancelled = await ask(f"runs/{run_id}/cancel", body={"grace_s": 0})
    fl.get(run_id).wait()
    _, kept = await ask(f"runs/{run_id}/keep", body={})
    _, while_kept = await ask(f"runs/{run_id}")
    await ask(f"runs/{run_id}/keep", body={"is_kept": False})
    _, no_longer = await ask(f"runs/{run_id}")
    status, again = await ask(f"runs/{run_id}/retry", body={"options": {"timeout": "1s"}})

    assert RunOut.model_validate(cancelled).cancel_requested_at is not None
    assert kept["status"] == "CANCELLED"
    assert (while_kept["is_kept"], no_longer["is_kept"]) == (True, False)
    assert (status, again["run"]["retry_of"]) == (201, run_id)
    failed = fl.get(again["run"]["id"]).wait()
    _, detail = await ask(f"runs/{failed.id}")
    assert detail["failure_kind"] == "timeout"
    assert detail["suggestion"] == {"label": "Retry with a timeout of 2s",
                                    "options": {"timeout": "2s"}}  # fmt: skip


async def test_what_must_be_agreed_to_is_a_conflict_until_it_is_agreed_to(ask, settings_file):
    settings_file.write_text(settings_file.read_text() + "confirm_above = 0.001\n")
    body = {"what": {"kind": "command", "argv": ["true"]}, "options": {"timeout": "1h"}}

    _, plan = await ask("plan", body=body)
    status, refused = await ask("runs", body=body)
    agreed, _ = await ask("runs", body={**body, "confirm": False})

    assert (status, refused["code"]) == (409, "refused")
    assert plan["asks"] == refused["message"].split("; ")
    assert agreed == 201


async def test_this_machine_is_described(ask):
    for path, model in (("doctor", DoctorOut), ("settings", SettingsOut)):
        status, body = await ask(path)
        assert status == 200
        model.model_validate(body)
    _, body = await ask("engines")
    assert body["engines"][0]["name"] == "process"
    [ecs] = [one for one in body["engines"] if one["name"] == "ecs"]
    assert {"cpu": 0.25, "memory_mib": [512, 1024, 2048]} in ecs["sizes"]


async def test_the_document_is_served_and_names_every_route(ask):
    _, body = await ask("openapi.json")

    assert body["paths"]["/runs/{run}"]["get"]["operationId"] == "get_runs_run"
    assert body["components"]["schemas"]["RunOut"]["properties"]["id"]["type"] == "string"
    assert json.dumps(body).count('"$ref": "#/$defs') == 0


async def test_hidden_files_and_links_out_of_the_folder_are_not_followed_by_name(ask, root: Path):
    (root / ".secret.ipynb").write_text("{}")

    status, _ = await ask("form", body={"what": {"kind": "file", "path": ".secret.ipynb"}})

    assert status == 404


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({}, ["alpha"]),
        ({"kernelspec": None, "language_info": []}, ["alpha"]),
        ({"kernelspec": {"name": "x", "language": "cobol"}}, []),
    ],
)
async def test_a_notebook_of_any_origin_has_a_form(ask, root, metadata, names):
    cell = {"cell_type": "code", "source": "alpha = 1e999", "outputs": [], "execution_count": None,
            "metadata": {"tags": ["parameters"]}}  # fmt: skip
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": [cell]}
    (root / "plain.ipynb").write_text(json.dumps(notebook))

    status, body = await ask("form", body={"what": {"kind": "file", "path": "plain.ipynb"}})

    assert status == 200
    assert [(one["name"], one["default"]) for one in body["parameters"]] == [
        (name, None) for name in names
    ]


@pytest.mark.parametrize(
    "cursor", ["[99999999999999999999,0,\"r\"]", "[\"\\ud800\",0,\"x\"]",
               "[\"0001-01-01T00:00:00+14:00\",0,\"r\"]", "[1e400,0,\"r\"]"],
)  # fmt: skip
@pytest.mark.parametrize("sort", ["created_at", "name", "cost"])
async def test_a_cursor_that_no_page_gave_is_refused(ask, cursor, sort):
    status, body = await ask("runs", cursor=cursor, sort=sort)

    is_a_name = sort == "name" and cursor.startswith('["0001')
    assert status == (200 if is_a_name else 422), body


async def test_a_run_of_an_engine_that_is_gone_is_shown(ask, make_run):
    run = make_run(engine="bygone")

    status, body = await ask(f"runs/{run.id}")

    assert (status, body["engine"], body["cost_text"], body["suggestion"]) == (
        200,
        "bygone",
        "",
        None,
    )


async def test_the_password_of_a_database_is_shown_to_nobody(ask, settings_file, monkeypatch):
    await ask("status")
    monkeypatch.setenv("FLOTILLA_STORE", "postgresql://me:hunter2@db/x")

    status, body = await ask("settings")

    assert status == 200
    assert "hunter2" not in json.dumps(body)
    assert "postgresql://me:***@db/x" in json.dumps(body)


async def test_what_takes_minutes_holds_up_nothing_else(ask, jp_serverapp, monkeypatch):
    is_over = threading.Event()
    monkeypatch.setattr(places, "examine", lambda settings: is_over.wait(30) and [])
    slow = [asyncio.ensure_future(ask("doctor")) for _ in range(12)]

    status, _ = await ask("status")

    is_over.set()
    assert status == 200
    assert [code for code, _ in await asyncio.gather(*slow)] == [200] * 12


async def test_a_damaged_attempt_is_shown_as_far_as_it_goes(ask, facade):
    what = {"kind": "command", "argv": ["echo", "said"]}
    _, created = await ask("runs", body={"what": what})
    run = fl.get(created["run"]["id"]).wait()
    folder = facade.attempt_folder(run.id, 1)
    with next(iter(sorted((folder / "stream").glob("*.jsonl")))).open("a") as file:
        file.write('{"seq": 90}\n{"seq": 91, "kind": "stdout", "blob": 5}\n')
        file.write('{"seq": 92, "kind": "error"}\n[]\nnothing\n')
    (folder / "usage.jsonl").write_text('{"t": "x"}\n7\n{"t": 1')
    (folder / "outputs.json").write_text('[{"name": 7, "file": "a\\u0000", "size": "big"}]')

    for path in ("", "/stream", "/stream/search?text=said", "/stream/search?kind=error", "/usage"):
        path, _, query = path.partition("?")
        given = dict([query.split("=")]) if query else {}
        status, _ = await ask(f"runs/{run.id}{path}", **given)
        assert status == 200, path
