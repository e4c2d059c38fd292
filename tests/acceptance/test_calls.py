"""Functions as jobs."""

import functools
import sys
from pathlib import Path

import pytest
import witness
from real_kernel import RealKernel

import jupyter_flotilla as fl
from jupyter_flotilla.errors import InvalidOption, UnsendableInput


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A module of one's own, importable from where it lies."""
    (tmp_path / "mine_own.py").write_text(
        "import helper_own\n"
        "def double(x, plus=0):\n    return helper_own.twice(x) + plus\n"
        "def fail(x):\n    raise ValueError(f'no {x}')\n"
    )
    (tmp_path / "helper_own.py").write_text("def twice(x):\n    return x * 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    import mine_own

    yield mine_own
    for name in ("mine_own", "helper_own"):
        sys.modules.pop(name, None)


def test_a_function_of_a_module_is_called_with_what_it_imports(module) -> None:
    run = fl.submit(module.double, 21)

    assert run.result() == 42
    assert (run.name, run.snapshot.spec.kind) == ("double", "cell")


def test_a_partial_keeps_what_it_has_bound(module) -> None:
    assert fl.submit(functools.partial(module.double, plus=1), 2).result() == 5


def test_an_installed_function_is_imported_by_its_name() -> None:
    import statistics

    assert fl.submit(statistics.mean, [1, 2, 6]).result() == 3


def test_a_lambda_of_a_script_travels_as_its_text(tmp_path: Path, home: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import jupyter_flotilla as fl\nfactor = 3\n"
        "print(fl.submit(lambda r: (\n    r * factor\n), 2).result())\n"
    )

    ran = witness.program(sys.executable, script)

    assert (ran.returncode, ran.stdout) == (0, "6\n"), ran.stderr
    [frozen] = home.glob("runs/*/*/input/cell.json")
    assert "lambda r" in frozen.read_text()


def test_a_closure_is_sent_by_value_to_the_same_python() -> None:
    pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    here = 40

    assert fl.submit(lambda x: x + here, 2).result() == 42


def test_items_are_mapped_in_chunks_and_results_are_in_order(module) -> None:
    runs = fl.map(module.double, range(10), chunksize=4, max_parallel=2)

    assert runs.results() == [x * 2 for x in range(10)]
    assert len(runs) == 3
    assert runs[1:].results() == [x * 2 for x in range(4, 10)]
    assert runs.succeeded.results() == runs.results()
    assert "10 items in 3 of 3 final" in repr(runs)


def test_automatic_chunks_make_four_rounds(module) -> None:
    runs = fl.map(module.double, range(17), max_parallel=2)

    assert [len(run.result()) for run in runs] == [3, 3, 3, 3, 3, 2]


def test_errors_of_a_map_are_raised_returned_or_skipped(module) -> None:
    runs = fl.map(module.fail, [1, 2], chunksize=1)

    returned = runs.results(errors="return")

    assert [type(error) for error in returned] == [fl.RunFailed, fl.RunFailed]
    assert "no 1" in str(returned[0])
    assert runs.results(errors="skip") == []
    with pytest.raises(fl.RunFailed, match="no 1"):
        runs.results()


def test_a_remote_function_runs_as_a_job_wherever_it_is_called(module) -> None:
    double = fl.remote(memory="1G", name="twice")(module.double)

    assert double(2, plus=1) == 5
    assert double.local(3) == 6
    assert double.map([1, 2], chunksize=1).results() == [2, 4]
    assert double.with_options(memory="2G").submit(1).snapshot.spec.resources.memory_mib == 2048
    assert [run.name for run in fl.runs()] == ["twice"] * 4


def test_a_function_of_a_script_travels_as_source(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import jupyter_flotilla as fl\nimport math as m\nfactor = 3\n"
        "def area(r):\n    return m.floor(r * factor)\n"
        "class M:\n    def area(self, r): return 'method'\n"
        "if __name__ == '__main__':\n    print(fl.submit(area, 2.5).result())\n"
        "    print(fl.submit(M().area, 1).result())\n"
    )

    ran = witness.program(sys.executable, script)

    assert (ran.returncode, ran.stdout) == (0, "7\nmethod\n"), ran.stderr


def test_a_function_of_a_notebook_travels_as_source(tmp_path: Path) -> None:
    with RealKernel(tmp_path) as kernel:
        said = kernel.run(
            "import jupyter_flotilla as fl\nfactor = 3",
            "def area(r):\n    return r * factor",
            "fl.submit(area, 2).result(), fl.map(lambda x: x + factor, [1, 2]).results()",
        )

    assert said.text == "(6, [4, 5])"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fl.submit("echo hi"), InvalidOption, r"\['echo', 'hi'\]"),
        (lambda: fl.submit(["echo"], "hi"), InvalidOption, r"\['echo', 'hi'\]"),
        (lambda: fl.submit(len, iter([])), UnsendableInput, "list_iterator|cannot be sent"),
        (lambda: fl.map(len, []), InvalidOption, "no items"),
        (lambda: fl.map(len, ["a"], chunksize=0), InvalidOption, "is no number of items"),
    ],
)
def test_what_cannot_be_called_is_refused(call, error, words: str) -> None:
    if error is UnsendableInput:
        (call, words) = (lambda: fl.submit(len, (i for i in ())), "generator")

    with pytest.raises(error, match=words):
        call()
