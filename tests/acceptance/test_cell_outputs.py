"""What a run says, as outputs of its cell: the same that a waiting kernel would have shown."""

from pathlib import Path

import nbformat
import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla import api
from jupyter_flotilla.cell_outputs import CellOutputs, Text, digest, run_of
from jupyter_flotilla.run_card import MIME

pytestmark = pytest.mark.usefixtures("settings_file")


def _outputs(run: fl.RunHandle) -> list[dict]:
    outputs, is_final = CellOutputs(api.flotilla(), run).read()
    assert is_final
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(output) for output in outputs])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    return outputs


def test_all_that_a_cell_says_and_shows_is_in_order() -> None:
    source = """
        import sys
        from IPython.display import HTML, display
        print("one"); print("two")
        print("oh", file=sys.stderr)
        shown = display(HTML("<b>1</b>"), display_id=True)
        for step in range(50):
            sys.stdout.write(f"\\r{step}/50"); sys.stdout.flush()
        print("\\rdone ")
        shown.update(HTML("<b>2</b>"))
        6 * 7
    """
    run = fl.run_source("\n".join(line[8:] for line in source.splitlines()), wait=True)

    card, *rest = _outputs(run)

    assert run_of(card) == (run.id, "SUCCEEDED")
    assert "✔ SUCCEEDED" in card["data"]["text/plain"]
    assert "on Fargate" in card["data"]["text/plain"]
    kinds = [(out["output_type"], out.get("name")) for out in rest]
    assert kinds == [("stream", "stdout"), ("stream", "stderr"), ("display_data", None),
                     ("stream", "stdout"), ("execute_result", None)]  # fmt: skip
    assert rest[0]["text"] == "one\ntwo\n"
    assert rest[2]["data"]["text/html"] == "<b>2</b>"
    assert rest[3]["text"] == "done \n"
    assert rest[4]["data"] == {"text/plain": "42"}


def test_a_display_that_no_notebook_can_hold_is_its_text() -> None:
    data = {"text/html": 5, "text/plain": ["a", 1]}
    run = fl.run_source(f"from IPython.display import display\ndisplay({data}, raw=True)").wait()

    _, shown = _outputs(run)

    assert run.status == "SUCCEEDED"
    assert shown["data"] == {"text/html": "5", "text/plain": "['a', 1]"}


def test_an_error_is_the_cells_own_with_what_to_do_next() -> None:
    run = fl.run_source("print('before')\n1 / 0").wait()

    _, said, error = _outputs(run)

    assert said["text"] == "before\n"
    assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert "jupyter flotilla logs" in error["traceback"][-1]


def test_a_cancelled_run_says_so() -> None:
    run = fl.run_source("import time\nprint('on', flush=True)\ntime.sleep(60)")
    witness.until(lambda: "on" in str(run.logs()))
    run.cancel("2s").wait()

    outputs = _outputs(run)

    assert outputs[-1]["ename"] == "RunCancelled"
    assert outputs[1]["text"].startswith("on\n")


def test_a_flood_is_cut_and_the_card_stays() -> None:
    source = "from IPython.display import HTML, display\nfor n in range(5000): print(n)\n"
    run = fl.run_source(f"{source}for n in range(300): display(HTML(str(n)))", wait=True)

    outputs = _outputs(run)

    assert outputs[1]["text"].count("\n") <= 2_001
    assert sum("text/html" in out.get("data", {}) for out in outputs) == 201
    assert (
        f"3,000 more lines and 100 more displays: %flotilla logs {run.short_id}"
        in (outputs[-1]["text"])
    )


def test_a_progress_bar_takes_the_room_of_one_line() -> None:
    source = (
        "import sys\nfor n in range(3000): sys.stdout.write('\\r' + str(n) + 'x' * 5000)\n"
        "print('\\rRESULT')"
    )
    run = fl.run_source(source, wait=True)

    assert [out.get("text") for out in _outputs(run)[1:]] == ["RESULT\n"]


def test_what_was_read_is_read_on_and_what_is_the_same_has_the_same_digest(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = fl.run_source(
        f"print('a', flush=True)\nimport time, os\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(.02)\nprint('b')"
    )
    cell = CellOutputs(api.flotilla(), run)
    witness.until(lambda: len(cell.read()[0]) == 2)
    first, is_final = cell.read()
    before = [digest(output) for output in first]
    same = [digest(output) for output in cell.read()[0]]
    gate.touch()
    run.wait()
    last, is_over = cell.read()

    assert (is_final, is_over) == (False, True)
    assert same == before
    assert "since" in first[0]["data"][MIME]["lines"][-1]
    assert [out.get("text") for out in last[1:]] == ["a\nb\n"]
    assert [digest(output) for output in last] != before


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("", "a\nb", "a\nb"),
        ("a\nb", "\rc", "a\nc"),
        ("b\r", "c\n", "c\n"),
        ("b\r", "\n", "b\n"),
        ("", "x\r\ny\r\n", "x\ny\n"),
        ("1%\r", "2%\r", "2%\r"),
        ("", "10%\r20%\r30%\n", "30%\n"),
    ],
)
def test_a_carriage_return_begins_the_line_anew(before: str, text: str, after: str) -> None:
    written = Text("stdout")
    written.write(before)
    written.write(text)

    assert written.output()["text"] == after
