"""The routes by which a window keeps a cell alive."""

import asyncio
from pathlib import Path

import jupyter_flotilla as fl
from jupyter_flotilla.model.job import Origin
from jupyter_flotilla.run_card import MIME
from jupyter_flotilla.server.wire.runs import RunOut
from jupyter_flotilla.server.wire.stream import CellOut


async def test_runs_are_found_by_their_ids_with_the_cell_they_came_from(ask, make_run):
    origin = Origin(notebook="/n.ipynb", cell_id="c-1")
    made = [make_run(name="a", origin=origin), make_run(name="b"), make_run(name="c")]

    _, body = await ask("runs", ids=[made[0].id, made[1].id, "r000000000000"])
    status, refused = await ask("runs", ids="r0")

    assert {run["id"]: run["cell_id"] for run in body["runs"]} == {made[0].id: "c-1",
                                                                  made[1].id: None}  # fmt: skip
    assert (status, refused["code"]) == (422, "invalid-value")


async def test_outputs_of_a_cell_come_once(ask):
    run = await asyncio.to_thread(fl.run_source, "print('a')\n6 * 7", wait=True)

    _, first = await ask(f"runs/{run.id}/cell")
    _, again = await ask(f"runs/{run.id}/cell", have=",".join(first["digests"]))
    _, partly = await ask(f"runs/{run.id}/cell", have=f"{first['digests'][0]},000000000000")

    CellOut.model_validate(first)
    assert first["outputs"][0]["data"][MIME]["run_id"] == run.id
    assert first["outputs"][1]["text"] == "a\n"
    assert (first["changed"], first["is_final"]) == (True, True)
    assert (again["changed"], again["outputs"]) == (False, [None, None, None])
    assert partly["outputs"] == [None, *first["outputs"][1:]]


async def test_whoever_follows_a_cell_waits_for_news(ask, tmp_path: Path):
    gate = tmp_path / "gate"
    source = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(.02)\nprint(1)"
    run = await asyncio.to_thread(fl.run_source, source)
    while run.status != "RUNNING":
        await asyncio.sleep(0.05)
    _, first = await ask(f"runs/{run.id}/cell")

    waiting = asyncio.ensure_future(
        ask(f"runs/{run.id}/cell", have=",".join(first["digests"]), wait_s=20)
    )
    await asyncio.sleep(0.5)
    was_held = not waiting.done()
    gate.touch()
    _, news = await waiting

    assert was_held
    assert news["changed"]
    await asyncio.to_thread(run.wait)


async def test_whoever_waits_is_let_go(ask, make_run):
    made = make_run()

    status, body = await ask(f"runs/{made.id}/detach", body={})
    missing, _ = await ask("runs/r000000000000/detach", body={})

    RunOut.model_validate(body)
    assert (status, missing) == (200, 404)
    assert fl.get(made.id).detached_at() > 0
