"""How a run has ended gets into its notebook, also where nobody has that open."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from jupyter_flotilla import api
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.job import Origin
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.run_card import MIME

_MAGIC = "%%flotilla_run\nprint('hello')\n6 * 7"


def _card(run_id: str, status: str) -> Any:
    data = {MIME: {"run_id": run_id, "name": "n", "status": status, "lines": ["old"]},
            "text/plain": "old"}  # fmt: skip
    return nbformat.v4.new_output("display_data", data)


def _write(path: Path, *cells: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)


def _cell(cell_id: str = "c-1", source: str = _MAGIC, outputs: Any = ()) -> Any:
    return nbformat.v4.new_code_cell(source, id=cell_id, outputs=list(outputs))


def _texts(path: Path, number: int = 0) -> list[Any]:
    try:
        outputs = json.loads(path.read_bytes())["cells"][number]["outputs"]
    except ValueError:  # it is being written
        return []
    return [
        out["data"][MIME]["status"] if MIME in out.get("data", {})
        else "".join(out.get("text") or out.get("data", {}).get("text/plain", ""))
        for out in outputs
    ]  # fmt: skip


def _send(
    path: Path,
    cell_id: str | None = "c-1",
    source: str = "print('hello')\n6 * 7",
    frontend: str | None = None,
) -> RunHandle:
    """Send a cell away as its kernel would; nobody waits for it."""
    facade = api.flotilla()
    draft = facade.draft_source(source, JobOptions(), path.parent)
    origin = Origin(notebook=str(path), cell_id=cell_id, frontend=frontend)
    spec = draft.spec.model_copy(update={"origin": origin, "path": str(path)})
    return RunHandle(facade, facade.submit(replace(draft, spec=spec)))


@pytest.fixture
def notebook(settings_file: Path, root: Path) -> Path:
    """Where a notebook is, below the server's folder."""
    return root / "de ep" / "träin.ipynb"


async def _until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(is_so):
            await asyncio.sleep(0.05)


_WRITTEN = ["SUCCEEDED", "hello\n", "42"]


@pytest.mark.parametrize("is_saved", [False, True], ids=["never saved with its card", "saved"])
async def test_an_outcome_is_written_where_nobody_has_the_notebook_open(
    notebook, jp_serverapp, is_saved
):
    _write(notebook, _cell())
    run = await asyncio.to_thread(_send, notebook)
    if is_saved:
        other = nbformat.v4.new_output("stream", text="hel")
        _write(notebook, _cell(outputs=[_card(run.id, "RUNNING"), other]))

    await _until(lambda: _texts(notebook) == _WRITTEN)

    nbformat.validate(nbformat.read(notebook, as_version=4))


async def test_what_ended_while_no_server_was_there_is_written_at_its_start(
    notebook, request: pytest.FixtureRequest
):
    _write(notebook, _cell())
    await asyncio.to_thread(lambda: _send(notebook).wait())

    assert _texts(notebook) == []
    request.getfixturevalue("jp_serverapp")  # the server starts only now

    await _until(lambda: _texts(notebook) == _WRITTEN)


async def test_a_window_that_has_it_open_writes_itself_until_it_leaves(
    notebook, jp_serverapp, jp_ws_fetch
):
    _write(notebook, _cell())
    socket = await jp_ws_fetch("flotilla", "api", "changes")
    for message in ("]", "[]", '{"type": "open", "notebooks": 3}', '{"type": "x"}'):
        socket.write_message(message)
    path = "de ep/träin.ipynb"
    socket.write_message(json.dumps({"type": "open", "notebooks": [1, path]}))
    other = notebook.with_name("other.ipynb")
    _write(other, _cell())

    await asyncio.to_thread(lambda: _send(notebook).wait())
    await asyncio.to_thread(lambda: _send(other).wait())
    await _until(lambda: _texts(other) == _WRITTEN)
    is_left_alone = _texts(notebook) == []
    socket.close(1000)

    await _until(lambda: _texts(notebook) == _WRITTEN)
    assert is_left_alone


async def test_only_what_is_the_runs_is_changed(notebook, jp_serverapp, tmp_path):
    gate = tmp_path / "gate"
    held = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(.02)\n"
    mine = nbformat.v4.new_output("stream", text="mine")
    _write(notebook)
    fails, works = held + "1 / 0", held + "print('hello')\n6 * 7"
    earlier = await asyncio.to_thread(_send, notebook, source=fails)
    run = await asyncio.to_thread(_send, notebook, "c-2", works)
    _write(
        notebook,
        _cell("c-1", f"%%flotilla_run\n{fails}", [_card("r000000000000", "RUNNING")]),
        _cell(
            "c-2",
            f"%%flotilla_run --memory 1G\n\n{works}",
            outputs=[_card(earlier.id, "FAILED"), mine],
        ),
        _cell("view", "fl.get('last')", [mine, _card(run.id, "RUNNING")]),
        _cell("c-4", "1 + 1", [mine]),
        _cell("c-5", outputs=[mine]),
    )
    others = [await asyncio.to_thread(_send, notebook, cell, held) for cell in ("c-4", "c-5")]
    gate.touch()
    for one in (earlier, run, *others):
        await asyncio.to_thread(one.wait)

    await _until(lambda: _texts(notebook, 1) == _WRITTEN)
    await _until(lambda: _texts(notebook, 0)[:1] == ["FAILED"])

    assert _texts(notebook, 2) == ["mine", "SUCCEEDED"]
    assert [_texts(notebook, 3), _texts(notebook, 4)] == [["mine"], ["mine"]]


@pytest.mark.parametrize("change", ["emptied", "edited"])
async def test_what_somebody_has_saved_since_stays(notebook, jp_serverapp, jp_ws_fetch, change):
    _write(notebook, _cell())
    socket = await jp_ws_fetch("flotilla", "api", "changes")
    socket.write_message(json.dumps({"type": "open", "notebooks": ["de ep/träin.ipynb"]}))
    other = notebook.with_name("other.ipynb")
    _write(other, _cell())
    await asyncio.to_thread(lambda: _send(notebook).wait())
    if change == "emptied":
        _write(notebook, _cell())  # "Clear all outputs", then saved
    else:
        before = notebook.stat()
        _write(notebook, _cell(source="%%flotilla_run\nprint('another model')"))
        os.utime(notebook, ns=(before.st_atime_ns, before.st_mtime_ns))

    socket.close(1000)
    await asyncio.to_thread(lambda: _send(other).wait())
    await _until(lambda: _texts(other) == _WRITTEN)

    assert _texts(notebook) == []


async def test_what_runs_in_vs_code_is_left_to_it(notebook, jp_serverapp):
    other = notebook.with_name("other.ipynb")
    _write(other, _cell())
    run = await asyncio.to_thread(_send, notebook, frontend="vscode")
    _write(notebook, _cell(outputs=[_card(run.id, "RUNNING")]))
    await asyncio.to_thread(run.wait)
    await asyncio.to_thread(lambda: _send(other).wait())
    await _until(lambda: _texts(other) == _WRITTEN)

    assert _texts(notebook) == ["RUNNING"]


async def test_a_notebook_that_is_open_by_another_name_is_open(notebook, jp_serverapp, jp_ws_fetch):
    _write(notebook, _cell())
    other, link = notebook.with_name("other.ipynb"), notebook.with_name("link.ipynb")
    _write(other, _cell())
    link.symlink_to(notebook)
    socket = await jp_ws_fetch("flotilla", "api", "changes")
    socket.write_message(json.dumps({"type": "open", "notebooks": ["de ep/link.ipynb"]}))

    await asyncio.to_thread(lambda: _send(notebook).wait())
    await asyncio.to_thread(lambda: _send(other).wait())
    await _until(lambda: _texts(other) == _WRITTEN)

    assert _texts(notebook) == []
    socket.close(1000)


async def test_a_store_that_cannot_be_read_for_a_while_ends_nothing(
    notebook, jp_serverapp, monkeypatch
):
    _write(notebook, _cell())
    outcomes = jp_serverapp.extension_manager.extension_points["jupyter_flotilla"].app.outcomes
    with monkeypatch.context() as broken:
        broken.setattr(outcomes, "_earlier", lambda: 1 / 0)
        outcomes.recall()
        await asyncio.sleep(0.2)
    await asyncio.to_thread(_send, notebook)

    await _until(lambda: _texts(notebook) == _WRITTEN)


async def test_an_earlier_run_does_not_take_the_place_of_a_later_one(notebook, jp_serverapp):
    other = notebook.with_name("b.ipynb")
    _write(other, _cell())
    _write(notebook)
    earlier = await asyncio.to_thread(_send, notebook)
    later = await asyncio.to_thread(_send, notebook, "c-1", "import time\ntime.sleep(60)")
    _write(notebook, _cell(outputs=[_card(later.id, "RUNNING")]))
    await asyncio.to_thread(earlier.wait)
    await asyncio.to_thread(_send, other)
    await _until(lambda: _texts(other) == _WRITTEN)

    is_left_alone = _texts(notebook) == ["RUNNING"]
    await asyncio.to_thread(lambda: later.cancel(0).wait())

    await _until(lambda: _texts(notebook)[:1] == ["CANCELLED"])
    assert is_left_alone


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"cells": [{}, 3, {"outputs": 1}]}'])
async def test_a_notebook_that_is_gone_or_broken_holds_nobody_up(notebook, jp_serverapp, content):
    broken = notebook.with_name("broken.ipynb")
    _write(notebook, _cell())
    if content is not None:
        broken.write_bytes(content)
    await asyncio.to_thread(lambda: _send(broken).wait())
    await asyncio.to_thread(_send, notebook)

    await _until(lambda: _texts(notebook) == _WRITTEN)

    assert not broken.exists() if content is None else broken.read_bytes() == content


@pytest.mark.parametrize("was_trusted", [True, False])
async def test_trust_stays_as_it_was(notebook, jp_serverapp, was_trusted):
    notary: NotebookNotary = jp_serverapp.contents_manager.notary
    _write(notebook, _cell(), _cell("html", "1", [_card("r000000000000", "RUNNING")]))
    if was_trusted:
        notary.sign(nbformat.read(notebook, as_version=4))
    await asyncio.to_thread(_send, notebook)

    await _until(lambda: _texts(notebook) == _WRITTEN)

    assert notary.check_signature(nbformat.read(notebook, as_version=4)) is was_trusted
