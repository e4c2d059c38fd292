"""``%%flotilla_run`` and ``%flotilla`` in a real kernel."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import witness
from real_kernel import RealKernel, Said

import jupyter_flotilla as fl
from jupyter_flotilla.run_card import MIME


@pytest.fixture
def kernel(tmp_path: Path, settings_file: Path) -> Iterator[RealKernel]:
    """A kernel with the extension loaded, in an empty folder."""
    folder = tmp_path / "no te'books"
    folder.mkdir()
    with RealKernel(folder) as opened:
        opened.run("%load_ext jupyter_flotilla")
        yield opened


def _card(said: Said) -> dict[str, object]:
    [card] = [data[MIME] for data in said.displays.values() if MIME in data]
    return card


def test_names_go_and_come_back_and_the_last_expression_is_the_result(kernel: RealKernel) -> None:
    said = kernel.run(
        "import pandas as pd\nimport numpy as np\ndf = pd.DataFrame({'a': [1, 2]}); alpha = 2",
        "def helper(x):\n    return x * alpha",
        "%%flotilla_run -o total,big\ntotal = helper(int(df.a.sum()))\n"
        "big = df.assign(b=np.sqrt(df.a))\n(total, 'é')",
    )
    back = kernel.run("total, big.shape, list(big.columns)")

    assert said.text == "(6, 'é')"
    assert back.text == "(6, (2, 2), ['a', 'b'])"
    assert "total, big → namespace" in said.stdout
    assert _card(said)["status"] == "SUCCEEDED"
    assert "helper (source, cell 3)" in str(_card(said)["lines"])


def test_classes_decorators_and_closures_over_values_travel_as_source(kernel: RealKernel) -> None:
    said = kernel.run(
        "import functools\nscale = 3\n"
        "def deco(f):\n    @functools.wraps(f)\n    def g(*a): return f(*a) * scale\n    return g",
        "class Base:\n    factor = 2\n\nclass Point(Base):\n"
        "    def __init__(self, x): self.x = x\n    @deco\n    def far(self): return self.x * 2",
        "p = Point(5); square = lambda v: v * v",
        "%%flotilla_run -o q\nq = Point(square(p.far()))\nq.factor, q.x, type(q).__name__",
    )
    back = kernel.run("q.x, isinstance(q, Point)")

    assert said.text == "(2, 900, 'Point')"
    assert back.text == "(900, True)"


def test_a_class_that_was_changed_travels_as_it_is(kernel: RealKernel) -> None:
    said = kernel.run(
        "class A:\n    limit = 1\n    def f(self): return self.limit",
        "A.limit = 5; A.more = lambda self: self.f() * 2; a = A()",
        "%%flotilla_run -o b\nb = A(); b.more(), a.more()",
        "b.more(), isinstance(b, A)",
    )

    assert said.text == "(10, True)"


def test_ipythons_own_syntax_reads_and_binds_names(kernel: RealKernel) -> None:
    said = kernel.run(
        "folder, n = 'some where', 3",
        "%%time\ndef helper(x):\n    return x * n",
        "%%flotilla_run -o y,lines\n%time y = helper(2)\nlines = !echo {folder} $n $$HOME\ny",
        "%%flotilla_run -o z\n%%capture words\nz = helper(5); print('hidden')",
        "y, lines[0].startswith('some where 3 /'), z",
    )

    assert said.text == "(6, True, 15)"


def test_local_modules_travel_with_what_they_import(kernel: RealKernel, tmp_path: Path) -> None:
    folder = tmp_path / "no te'books"
    (folder / "helpers.py").write_text("from pack.deep import value\ndef f(): return value")
    (folder / "pack").mkdir()
    (folder / "pack/__init__.py").touch()
    (folder / "pack/deep.py").write_text("from . import data\nvalue = 41 + len(data.__name__) * 0")
    (folder / "pack/data.py").write_text("")

    said = kernel.run("import helpers", "%%flotilla_run\nhelpers.f(), helpers.__file__")

    assert said.text.startswith("(41,")
    assert "/modules/helpers.py" in said.text
    assert "modules helpers.py, pack" in str(_card(said)["lines"])


def test_an_error_is_the_users_own_with_the_cell_and_line_of_the_caller(
    kernel: RealKernel,
) -> None:
    said = kernel.run(
        "def divide(a):\n    # here\n    return a / 0",
        "%%flotilla_run \\\n  --timeout 5m\n#| memory: 4G\nx = 1\n\ndivide(x)",
    )
    caught = kernel.run(
        "try:\n    get_ipython().run_cell_magic('flotilla_run', '', '{}[1]')\n"
        "except KeyError as error:\n    print(type(error).__name__, error)"
    )

    assert said.ename == "ZeroDivisionError"
    assert "Cell In[3], line 6" in said.traceback
    assert "Cell In[2], line 3" in said.traceback
    assert "jupyter flotilla logs" in said.traceback
    assert "remote_error" not in said.traceback
    assert "memory 4 G  timeout 5m" in str(_card(said)["lines"])
    assert caught.stdout.endswith("KeyError 1\n")


@pytest.mark.parametrize(
    ("cell", "ename", "words"),
    [
        ("%%flotilla_run\nx = (", "SyntaxError", "was never closed"),
        ("%%flotilla_run\n  ", "InvalidNotebook", "the cell is empty"),
        ("%%flotilla_run\nnope + 1", "UnsendableInput", "reads 'nope', which is not defined"),
        ("%%flotilla_run -i dataa\n1", "UnsendableInput", "did you mean data?"),
        ("%%flotilla_run -i 1+1\nlock", "InvalidOption", "'1 + 1' is no name"),
        ("%%flotilla_run -o z\ny = 1", "InvalidOption", "output 'z' is never assigned"),
        ("%%flotilla_run\nlock", "UnsendableInput", "'lock' is a _thread.lock, which cannot"),
        ("%%flotilla_run -i data\nlock, data", "UnsendableInput", "reads 'lock', which -i leaves"),
        ("%%flotilla_run --memry 3G\n1", "InvalidOption", "--memory"),
        ("%%flotilla_run --mem 3G\n1", "InvalidOption", "No such option '--mem'"),
        ("%%flotilla_run --memory 16\n1", "InvalidOption", "'16' is not a size"),
        ("%%flotilla_run --name 'a\n1", "InvalidOption", "No closing quotation"),
        ("%%flotilla_run --name {1/0}\n1", "InvalidOption", "{1/0}: ZeroDivisionError"),
        ("%%flotilla_run @huge\n1", "InvalidOption", "no profile @huge"),
        ("%flotilla lss", "UsageError", "did you mean ls"),
        ("%flotilla show nope", "RunNotFound", "'nope'"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_the_launch(
    kernel: RealKernel, cell: str, ename: str, words: str
) -> None:
    said = kernel.run("import threading\nlock = threading.Lock(); data = 1", cell)

    assert (said.ename, words in said.traceback) == (ename, True), said
    assert fl.runs() == []
    if ename != "SyntaxError":
        assert "Traceback" not in said.traceback


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("import os; os._exit(3)", "FAILED", "kernel died (exit code 3)"),
        ("import sys; sys.exit(3)", "FAILED", "SystemExit: 3"),
        ("input('who?')", "FAILED", "StdinNotImplementedError"),
        ("%%flotilla_run\n1", "FAILED", "UsageError"),
        ("import os, sys; sys.stdout.flush(); os.write(1, b'\\xff\\xfe half')", "SUCCEEDED", ""),
        ("import os\nif os.fork() == 0: os._exit(0)\nprint('parent')", "SUCCEEDED", ""),
        ("del data\nimport sys; sys.exit()", "SUCCEEDED", ""),
    ],
)
def test_what_a_cell_does_to_its_kernel_is_told_truly(
    kernel: RealKernel, body: str, status: str, words: str
) -> None:
    said = kernel.run("data = 1", f"%%flotilla_run\n{body}")

    [run] = fl.runs()
    assert run.status == status, run.explain()
    assert words in f"{said.traceback} {run.explain()}"


def test_outputs_are_replayed_into_the_cell_and_much_text_is_cut(kernel: RealKernel) -> None:
    said = kernel.run(
        "%%flotilla_run\nfrom IPython.display import HTML, display, clear_output\n"
        "import sys\nprint('out'); print('err', file=sys.stderr)\n"
        "h = display(HTML('<b>1</b>'), display_id=True); h.update(HTML('<b>2</b>'))\n"
        "for n in range(3):\n    clear_output(wait=True); display(HTML(f'<i>{n}</i>'))\n"
        "for n in range(50_000): print(n)\nNone"
    )

    html = [data.get("text/html") for data in said.displays.values() if MIME not in data]
    assert html == ["<b>2</b>", "<i>2</i>"]
    assert said.stdout.startswith("out\n")
    assert said.stderr == "err\n"
    assert said.stdout.count("\n") < 2100
    assert "more lines: %flotilla logs" in said.stdout
    assert said.result is None


def test_the_stop_button_stops_the_job_and_what_comes_after(
    kernel: RealKernel, tmp_path: Path
) -> None:
    oracle = tmp_path / "oracle"
    cell = (
        f"%%flotilla_run -i none\nimport time\ntry:\n    print('on', flush=True); time.sleep(60)\n"
        f"finally:\n    open({str(oracle)!r}, 'w').write('cleaned up')"
    )
    started = kernel.start(cell)
    kernel.wait(started, until="on")

    kernel.interrupt()
    said = kernel.wait(started)

    [run] = fl.runs()
    assert said.ename == "Stopped"
    assert said.traceback.strip() == f"{run.short_id} was cancelled."
    assert (run.status, oracle.read_text()) == ("CANCELLED", "cleaned up")


def test_a_restart_of_the_kernel_is_no_stop_button(kernel: RealKernel) -> None:
    cell = "%%flotilla_run -i none -o x\nimport time\nprint('on', flush=True); time.sleep(4)\nx = 7"
    kernel.wait(kernel.start(cell), until="on")

    kernel.restart()
    said = kernel.run("%load_ext jupyter_flotilla", "%flotilla attach", "x")

    [run] = fl.runs()
    assert (run.status, run.snapshot.cancel_requested_at) == ("SUCCEEDED", None)
    assert said.text == "7"


def test_a_killed_kernels_run_is_attached_to_in_a_new_one(tmp_path: Path, settings_file) -> None:
    cell = "%%flotilla_run -o x\nimport time\nprint('on', flush=True); time.sleep(3)\nx = 7\n'end'"
    with RealKernel(tmp_path) as first:
        first.run("%load_ext jupyter_flotilla")
        first.wait(first.start(cell), until="on")
        first.kill()

    with RealKernel(tmp_path) as second:
        summary = second.run("%load_ext jupyter_flotilla", "%flotilla")
        said = second.run("%flotilla attach")
        back = second.run("x")

    assert "RUNNING" in summary.stdout
    assert said.stdout.startswith("on\n")
    assert (said.text, back.text) == ("'end'", "7")


def test_in_the_background_a_handle_comes_at_once_and_values_are_pulled(
    kernel: RealKernel,
) -> None:
    said = kernel.run("x = 0", "%%flotilla_run --bg -o x\nimport time; time.sleep(1)\nx = 5")
    waited = kernel.run("_flotilla.wait().status, dict(_flotilla.outputs)")
    refused = kernel.run("%flotilla pull last x")
    pulled = kernel.run("%flotilla pull last x --force", "x")

    assert "QUEUED" in said.text or "PENDING" in said.text or "RUNNING" in said.text
    assert waited.text == "(<RunStatus.SUCCEEDED: 'SUCCEEDED'>, {'x': 5})"
    assert "x is here already" in refused.traceback
    assert pulled.text == "5"


def test_a_run_is_shown_as_its_card_wherever_it_is_shown(kernel: RealKernel) -> None:
    sent = kernel.run("x = 0", "%%flotilla_run --bg -o x\nx = 5")
    got = kernel.run("import jupyter_flotilla as fl\nfl.get('last').wait()")

    for said in (sent, got):
        assert said.result[MIME]["run_id"] == fl.runs()[0].id
        assert "on Fargate" in said.result["text/html"]
    assert "outputs x" in sent.text
    assert got.text.startswith("<RunHandle x-5 ✔ SUCCEEDED")


def test_detaching_goes_on_and_the_same_cell_is_not_run_twice(kernel: RealKernel) -> None:
    cell = (
        "%%flotilla_run --on-interrupt detach\nimport time\nprint('on', flush=True)\ntime.sleep(5)"
    )
    started = kernel.start(cell, cell_id="cell-1")
    kernel.wait(started, until="on")
    kernel.interrupt()
    detached = kernel.wait(started)

    again = kernel.run(cell, cell_id="cell-1")
    other = kernel.run("%%flotilla_run --dry-run\n1", cell_id="cell-2")

    assert detached.ename == "Detached"
    assert "this cell's previous run" in again.traceback
    assert "nothing was submitted" in other.stdout
    [run] = fl.runs()
    assert run.wait().status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("answer", "statuses", "error"),
    [
        ("attach", ["SUCCEEDED"], ""),
        ("c", ["CANCELLED", "SUCCEEDED"], ""),
        ("b", ["SUCCEEDED", "SUCCEEDED"], ""),
        ("", ["SUCCEEDED"], "nothing was launched"),
    ],
)
def test_a_cell_whose_run_is_alive_asks_what_to_do(
    kernel: RealKernel, answer: str, statuses: list[str], error: str
) -> None:
    cell = "%%flotilla_run\nimport time\nprint('on', flush=True)\ntime.sleep(8)\n7"
    kernel.run(cell.replace("run\n", "run --bg\n", 1), cell_id="cell-1")
    witness.until(lambda: fl.runs()[0].status == "RUNNING")

    asked = kernel.start(cell, cell_id="cell-1", asks=True)
    question = kernel.answer(answer)
    said = kernel.wait(asked)

    assert "[a]ttach" in question
    assert error in said.traceback
    assert said.text == ("" if error else "7")
    assert [run.wait().status for run in reversed(fl.runs())] == statuses


def test_verbs_of_the_command_line_are_there_and_listings_can_be_kept(kernel: RealKernel) -> None:
    kernel.run("%%flotilla_run --name first\nprint('said')")

    shown = kernel.run("%flotilla show first")
    logs = kernel.run("%flotilla logs first")
    kept = kernel.run("r = %flotilla ls --name first\nr[0]['status'], len(r), r.df.shape[0]")
    helped = kernel.run("%flotilla help")

    assert "SUCCEEDED" in shown.stdout
    assert logs.stdout == "said\n"
    assert kept.text == "('SUCCEEDED', 1, 1)"
    assert "%flotilla retry" in helped.stdout


def test_completion_offers_options_values_names_and_runs(kernel: RealKernel) -> None:
    kernel.run("%%flotilla_run --name zebra\n1", "frame = 1")

    def offered(code: str, at: int | None = None) -> list[str]:
        reply = kernel.client.complete(code, at, reply=True, timeout=30)
        return list(reply["content"]["matches"])

    assert offered("%%flotilla_run --me") == ["--memory"]
    assert offered("%%flotilla_run --mem --cpu 2\nx = 1", 20) == ["--memory"]
    assert "frame" in offered("%%flotilla_run -i fr\nx", 20)
    assert "16G" in offered("%%flotilla_run --memory 1")
    assert offered("%flotilla sh") == ["show"]
    assert "zebra" in offered("%flotilla show ze")
    assert offered("%%flotilla_run --on-interrupt c") == ["cancel"]
    assert offered("%flotilla cost --by no") == ["notebook"]
    assert "print" in offered("pri")


def test_the_extension_answers_at_once_and_imports_nothing_heavy(kernel: RealKernel) -> None:
    heavy = "import sys; sorted({'sqlalchemy', 'pydantic', 'nbclient', 'boto3'} & set(sys.modules))"

    assert kernel.run(heavy).text == "[]"


def test_a_kernel_of_another_interpreter_is_not_needed(kernel: RealKernel) -> None:
    said = kernel.run("%%flotilla_run\nimport sys; sys.executable")

    assert said.text == repr(sys.executable)


def test_an_output_that_cannot_come_back_fails_the_run_by_its_name(kernel: RealKernel) -> None:
    said = kernel.run("%%flotilla_run -o lock\nimport threading\nlock = threading.Lock()")

    assert "output 'lock' is a _thread.lock, which cannot be sent back" in said.traceback


def test_waiting_in_the_cell_lets_status_be_seen(kernel: RealKernel) -> None:
    began = time.monotonic()
    said = kernel.run("%%flotilla_run\nimport time; time.sleep(1.5)")

    assert time.monotonic() - began < witness.PATIENCE_S
    assert any("SUCCEEDED" in line for line in _card(said)["lines"])


def test_options_of_a_session_are_set_and_taken_back(kernel: RealKernel) -> None:
    shown = kernel.run("%flotilla set memory=3G timeout=7m", "%%flotilla_run --dry-run\n1")
    back = kernel.run("%flotilla set memory=", "%%flotilla_run --dry-run --timeout 8m\n1")
    wrong = kernel.run("%flotilla set memory=16")
    listed = kernel.run("%flotilla profiles")
    deps = kernel.run("%flotilla deps")

    assert "memory 3 G  timeout 7m" in shown.stdout
    assert "memory unlimited  timeout 8m" in back.stdout
    assert "'16' is not a size" in wrong.traceback
    assert "No profiles yet" in listed.stdout
    assert sys.executable in deps.stdout


def test_what_a_session_has_imported_is_what_would_travel(kernel: RealKernel) -> None:
    kernel.run("open('hel_per.py', 'w').write('import six')", "import hel_per, json")

    shown = kernel.run("%flotilla deps")
    wrong = kernel.run("%flotilla deps --nope")
    helped = kernel.run("%flotilla deps --help")

    assert "modules  1 file\n" in shown.stdout
    assert "hel_per.py" in shown.stdout
    assert "%flotilla deps --help" in wrong.traceback
    assert "--image IMAGE" in helped.stdout


def test_the_stop_button_stops_what_is_awaited(kernel: RealKernel) -> None:
    started = kernel.start(
        "import jupyter_flotilla as fl\nprint('on', flush=True)\nawait fl.submit(['sleep', '60'])"
    )
    kernel.wait(started, until="on")
    witness.until(lambda: [r for r in fl.runs() if r.status == "RUNNING"], "the run is on")

    kernel.interrupt()
    said = kernel.wait(started)
    [run] = fl.runs()

    assert said.ename in ("CancelledError", "KeyboardInterrupt")
    assert run.wait().status == "CANCELLED"
    assert kernel.run("(await fl.submit(['true'])).status.value").text == "'SUCCEEDED'"


def test_a_widget_leaves_its_text(kernel: RealKernel) -> None:
    said = kernel.run(
        "%%flotilla_run\nfrom IPython.display import publish_display_data\n"
        "publish_display_data({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'},"
        " 'text/plain': 'IntSlider(value=1)'})"
    )

    shown = [data for data in said.displays.values() if MIME not in data]
    assert shown == [{"text/plain": "IntSlider(value=1)"}]


def test_a_hundred_megabytes_of_output_do_not_reach_the_notebook(kernel: RealKernel) -> None:
    said = kernel.run("%%flotilla_run\nfor i in range(1_000_000): print('x' * 100)")

    assert len(said.stdout) < 300_000
    [run] = fl.runs()
    assert sum(len(text) for text in run.logs()) == 1_000_000 * 101


def test_a_cell_that_waits_is_detached_from_elsewhere(kernel: RealKernel) -> None:
    started = kernel.start("%%flotilla_run\nimport time; print('on', flush=True); time.sleep(3)")
    kernel.wait(started, until="on")

    told = witness.flotilla("detach", "last")
    said = kernel.wait(started)

    [run] = fl.runs()
    assert told.returncode == 0, told.stderr
    assert said.ename == "Detached"
    assert run.wait().status == "SUCCEEDED"


def test_a_value_that_was_rebound_meanwhile_is_not_replaced_by_attaching(
    kernel: RealKernel,
) -> None:
    kernel.run("x = y = 0", "%%flotilla_run --bg -o x,y\nx = y = 5", "_flotilla.wait(); x = 1")

    said = kernel.run("%flotilla attach last")

    assert "x changed here since the launch" in said.stdout
    assert kernel.run("x, y").text == "(1, 5)"


def test_a_cell_that_leaves_by_exit_gives_back_what_it_has(kernel: RealKernel) -> None:
    said = kernel.run("%%flotilla_run -o z\nimport sys\nz = 1\nsys.exit()", "z")

    assert said.text == "1"


def test_names_of_ours_may_mean_something_else_in_the_cell(kernel: RealKernel) -> None:
    said = kernel.run("%%flotilla_run -o z\nfrom os import *\nz = getpid() > 0\nOut = 3\nz", "z")

    assert said.text == "True"


def test_a_value_whose_id_is_used_again_is_not_taken_for_the_old_one(kernel: RealKernel) -> None:
    kernel.run("x = float('1.5')", "%%flotilla_run --bg -o x\nx = 99.0", "_flotilla.wait(); None")
    kernel.run("x = None; x = float('2.5')")

    kernel.run("%flotilla attach last")

    assert kernel.run("x").text == "2.5"


@pytest.mark.parametrize(
    ("cells", "expression", "expected"),
    [
        (["def mk(k):\n    def inner(x): return x * k\n    return inner",
          "def inner(x): return 'WRONG'", "f = mk(3)"], "f(2)", "6"),
        (["def deco(f):\n    def wrapper(*a): return 'deco:' + str(f(*a))\n    return wrapper",
          "def wrapper(): pass", "@deco\ndef hh(x): return x"], "hh(2)", "'deco:2'"),
        (["def k(): return 1", "%%time\ndef k(): return 2"], "k()", "2"),
        (["def m(): return 1", "if True:\n    def m(): return 2"], "m()", "2"),
        (["def h(): return 1", "old = h", "def h(): return old() + 1"], "h()", "2"),
        (["n = 1; f = lambda x: x + n", "n = 10"], "f(1)", "11"),
        (["def make(k): return lambda x: x + k", "k = 5; add5 = make(k); k = 6"], "add5(1)", "6"),
        (["def fn(): return fn.k", "fn.k = 3"], "fn()", "3"),
        (["class A:\n    def make(self): return B()", "class B(A): pass"],
         "type(A().make()).__name__", "'B'"),
        (["class Cfg:\n    n = 4", "cfg = Cfg()", "def fd(n=cfg.n): return n"], "fd()", "4"),
        (["class K:\n    def meth(self): return 7", "kk = K()", "mm = kk.meth"], "mm()", "7"),
        (["from typing import NewType, TypeVar\nT = TypeVar('T'); U = NewType('U', int)",
          "def idt(x: T) -> T: return x"], "idt(U(3))", "3"),
        (["def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)"], "fib(10)", "55"),
        (["def even(n): return n == 0 or odd(n - 1)", "def odd(n): return n > 0 and even(n - 1)"],
         "even(8)", "True"),
        (["import functools\n@functools.lru_cache\ndef c(x): return x * 2"], "c(4)", "8"),
        (["from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 3", "p = P()"],
         "p == P(3)", "True"),
        (["big = 10 ** 5000"], "big % 7", str(10**5000 % 7)),
    ],
)  # fmt: skip
def test_what_travels_is_what_the_name_means_now(
    kernel: RealKernel, cells: list[str], expression: str, expected: str
) -> None:
    kernel.run(*cells)
    here = kernel.run(expression)

    there = kernel.run(f"%%flotilla_run --quiet\n{expression}")

    assert (here.text, there.text) == (expected, expected), there.traceback


def test_a_function_that_was_added_to_and_cannot_be_taken_whole_is_refused(
    kernel: RealKernel,
) -> None:
    said = kernel.run(
        "import functools\n@functools.singledispatch\ndef sd(x): return 'base'",
        "@sd.register\ndef _(x: int): return 'int'",
        "%%flotilla_run --quiet\nsd(3)",
    )

    assert said.text == "'int'" or said.ename == "UnsendableInput", said.traceback
