"""Layers of packages, with a real uv and the real package index, for a Python that has nothing.

Measured on two cores, the index near, for pandas, scikit-learn and a kernel (45 packages, 329 MiB):
0.6 s to resolve and 2.3 s to build with an empty cache of uv, 0.5 and 0.6 s with a full one;
no time where the layer is there.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import jupyter_flotilla as fl
from jupyter_flotilla.environment import (
    PROBE,
    ImageFacts,
    JobCode,
    Lock,
    build_layer,
    clean_layers,
    facts_of,
    find_requirements,
    read_deps,
    resolve,
    resolve_once,
    write_tar_gz,
)
from jupyter_flotilla.environment.tool import find_uv
from jupyter_flotilla.errors import EnvironmentProblem, UnresolvedPackages
from jupyter_flotilla.model.options import read_options

#: Builds a layer as another process would; says where it is.
_BUILD = """
import sys
from pathlib import Path
from jupyter_flotilla.environment import ImageFacts, Lock, build_layer
lock, facts = Lock.model_validate_json(sys.argv[1]), ImageFacts.model_validate_json(sys.argv[2])
print(build_layer(lock, facts, Path(sys.argv[3])))
"""
#: Runs a cell as the runner does, with what nbclient and ipykernel the path has.
_CELL = """
import nbformat, nbclient
cell = nbformat.v4.new_code_cell("import six, sys; print('six', six.__version__, sys.prefix)")
notebook = nbformat.v4.new_notebook(cells=[cell])
nbclient.NotebookClient(notebook, kernel_name="python3").execute()
print(notebook.cells[0].outputs[0].text, end="")
"""


@pytest.fixture(scope="module", autouse=True)
def _uv():
    """Skip where packages cannot be had at all."""
    if sys.platform != "linux":
        pytest.skip("layers are for Linux, and are tested there")
    done = subprocess.run(
        [find_uv(), "pip", "compile", "-", "--no-header"],
        input="six",
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip("the package index cannot be reached")


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """Return a Python without any package."""
    venv = tmp_path_factory.mktemp("a 'bare' é") / "venv"
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([find_uv(), "venv", "--quiet", "--python", base, venv], check=True)
    return venv / "bin" / "python"


@pytest.fixture(scope="module")
def facts(bare) -> ImageFacts:
    said = subprocess.run([bare, "-c", PROBE], capture_output=True, text=True, check=True)
    return facts_of(said.stdout, digest="sha256:test")


def _ask(text, facts, *, needs_kernel=False, **more) -> Lock:
    requirements = find_requirements(read_deps(text), JobCode(cwd=Path.cwd()), **more)
    return resolve(requirements, facts, needs_kernel=needs_kernel)


def _with_layer(layer: Path) -> dict[str, str]:
    path = f"{os.environ['PATH']}:{layer / 'bin'}"
    return {"PATH": path, "PYTHONPATH": str(layer), "HOME": str(layer.parent)}


def test_a_kernel_starts_from_a_layer_in_a_python_that_has_none(bare, facts, tmp_path):
    lock = _ask("six==1.17.0", facts, needs_kernel=True)

    layer = build_layer(lock, facts, tmp_path / "l ayers é")

    said = subprocess.run(
        [bare, "-c", _CELL], env=_with_layer(layer), capture_output=True, text=True, timeout=120
    )
    assert said.stdout == f"six 1.17.0 {bare.parent.parent}\n", said.stderr
    assert not list(bare.parent.parent.glob("lib/*/site-packages/six*"))


def test_a_job_runs_from_a_layer_in_a_python_that_has_nothing(bare, facts, tmp_path, facade):
    layer = build_layer(_ask("six==1.17.0", facts, needs_kernel=True), facts, tmp_path / "layers")
    source = "import sys, six\nprint(sys.prefix, six.__file__)"
    draft = facade.draft_source(source, read_options({}), tmp_path)
    env = draft.spec.env | _with_layer(layer)
    spec = draft.spec.model_copy(update={"interpreter": str(bare), "env": env})

    run = fl.get(facade.submit(replace(draft, spec=spec)).id).wait()

    assert str(run.logs()) == f"{bare.parent.parent} {layer / 'six.py'}\n", run.explain()


def test_scripts_of_a_layer_run_by_the_python_of_the_image(bare, facts, tmp_path):
    layer = build_layer(_ask("wheel==0.45.1", facts), facts, tmp_path)

    said = subprocess.run(["wheel", "version"], env=_with_layer(layer), capture_output=True)

    assert said.stdout.startswith(b"wheel 0.45.1"), said.stderr
    scripts = [path.read_bytes() for path in (layer / "bin").iterdir()]
    assert not any(sys.executable.encode() in script for script in scripts)


def test_everybody_may_read_a_layer_and_nothing_in_it_is_compiled(facts, tmp_path):
    umask = os.umask(0o077)
    try:
        layer = build_layer(_ask("six==1.17.0", facts), facts, tmp_path)
    finally:
        os.umask(umask)

    modes = {path.stat().st_mode & 0o777 for path in [layer, *layer.rglob("*")]}
    assert modes <= {0o755, 0o644}
    assert not list(layer.rglob("*.pyc"))
    assert not (layer / ".lock").exists()


def test_pth_files_of_a_layer_are_read_and_the_images_own_site_stays(bare, facts, tmp_path):
    layer = build_layer(_ask("setuptools==80.9.0", facts), facts, tmp_path / "layers")
    image = tmp_path / "image"
    image.mkdir()
    (image / "sitecustomize.py").write_text("print('of the image')")

    env = _with_layer(layer) | {"PYTHONPATH": f"{layer}:{image}"}
    said = subprocess.run(
        [bare, "-c", "import sys; print('_distutils_hack' in sys.modules)"],
        env=env, capture_output=True, text=True,
    )  # fmt: skip

    assert said.stdout == "of the image\nTrue\n", said.stderr


def test_of_several_processes_one_builds_and_all_get_the_same(facts, tmp_path):
    lock = _ask("six==1.17.0,idna==3.10", facts)
    argv = [sys.executable, "-c", _BUILD, lock.model_dump_json(), facts.model_dump_json(), tmp_path]

    started = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=120)[0] for process in started}

    assert said == {f"{tmp_path / lock.key}\n"}
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [lock.key, f"{lock.key}.lock", f"{lock.key}.used"]


def test_a_builder_killed_in_the_middle_leaves_nothing_that_is_taken_for_whole(facts, tmp_path):
    lock = _ask("ipykernel", facts)
    argv = [sys.executable, "-c", _BUILD, lock.model_dump_json(), facts.model_dump_json(), tmp_path]
    process = subprocess.Popen(argv, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".unfinished-*/*")) and time.monotonic() < deadline:
        time.sleep(0.001)

    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    assert not (tmp_path / lock.key).exists()
    assert list(tmp_path.glob(".unfinished-*"))
    layer = build_layer(lock, facts, tmp_path)
    assert (layer / "ipykernel" / "__init__.py").is_file()
    assert not list(tmp_path.glob(".unfinished-*"))


def test_the_second_to_ask_gets_it_at_once_and_without_uv(facts, tmp_path, monkeypatch):
    lock = _ask("six==1.17.0", facts)
    layer = build_layer(lock, facts, tmp_path)
    monkeypatch.setattr("jupyter_flotilla.environment.layer.run_uv", None)

    assert build_layer(lock, facts, tmp_path) == layer


def test_layers_unused_for_long_are_deleted_and_dead_builders_leavings_too(facts, tmp_path):
    old = build_layer(_ask("six==1.17.0", facts), facts, tmp_path)
    kept = build_layer(_ask("six==1.16.0", facts), facts, tmp_path)
    (tmp_path / f".unfinished-{kept.name}-x").mkdir()
    later = datetime.now(UTC) + timedelta(days=31)

    assert clean_layers(tmp_path, timedelta(days=32), later) == []
    deleted = clean_layers(tmp_path, timedelta(days=30), later, keep={kept.name})

    assert deleted == [old.name]
    assert not old.exists()
    assert kept.exists()
    assert not list(tmp_path.glob(".unfinished-*"))


def test_the_same_packages_are_the_same_archive(facts, tmp_path):
    lock = _ask("six==1.17.0,wheel==0.45.1", facts)
    layers = [build_layer(lock, facts, tmp_path / name) for name in "ab"]

    packed = [write_tar_gz(layer, tmp_path / f"{n}.tar.gz") for n, layer in enumerate(layers)]

    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in packed}
    assert len(digests) == 1
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "xzf", packed[0], "-C", tmp_path / "out"], check=True)
    assert (tmp_path / "out" / "six.py").read_bytes() == (layers[0] / "six.py").read_bytes()
    assert os.access(tmp_path / "out" / "bin" / "wheel", os.X_OK)


def test_what_the_image_has_is_not_brought_again(facts):
    image = facts.model_copy(
        update={
            "dists": {"jinja2": "3.1.4", "markupsafe": "2.1.0+of.image", "of-nobody": "7"},
            "requires": {"jinja2": ("MarkupSafe>=2.0",), "of-nobody": ("jinja2",)},
        }
    )

    lock = _ask("jinja2>=3,of-nobody,six==1.17.0", image)

    assert lock.packages == ("six==1.17.0",)
    assert "markupsafe==2.1.0+of.image" in lock.resolved


def test_the_users_version_wins_over_the_images_and_that_is_said(facts):
    image = facts.model_copy(update={"dists": {"six": "1.16.0", "idna": "3.10"}})

    lock = _ask("six==1.17.0,idna", image)

    assert lock.packages == ("six==1.17.0",)
    assert lock.notes == ("instead of the image's own: six 1.16.0 → 1.17.0",)


def test_a_version_that_breaks_a_package_of_the_image_brings_that_anew(facts):
    image = facts.model_copy(
        update={"dists": {"jinja2": "3.0.0", "markupsafe": "2.0.0"},
                "requires": {"jinja2": ("MarkupSafe<2.1",)}}
    )  # fmt: skip

    lock = _ask("jinja2,markupsafe==2.1.5", image)

    assert [package.partition("==")[0] for package in lock.packages] == ["jinja2", "markupsafe"]


def test_nothing_is_asked_where_the_image_has_it_all(facts, monkeypatch):
    monkeypatch.setattr("jupyter_flotilla.environment.resolution.run_uv", None)
    image = facts.model_copy(update={"dists": {"six": "1.17.0", "ipykernel": "6", "nbclient": "1"}})

    lock = _ask("six>=1", image, needs_kernel=True)

    assert lock.is_empty
    assert lock.resolved == ("ipykernel==6", "nbclient==1", "six==1.17.0")


def test_an_answer_is_kept_for_a_day(facts, tmp_path, monkeypatch):
    requirements = find_requirements(read_deps("six"), JobCode(cwd=tmp_path))
    now = datetime.now(UTC)
    ask = partial(resolve_once, requirements, facts, tmp_path / "layers", needs_kernel=False)
    first = ask(now)
    monkeypatch.setattr("jupyter_flotilla.environment.memory.resolve", None)

    assert ask(now + timedelta(hours=23)) == first
    with pytest.raises(TypeError):
        ask(now + timedelta(hours=25))
    clean_layers(tmp_path / "layers", timedelta(days=9), now + timedelta(hours=25))
    assert not list((tmp_path / "layers").iterdir())


def test_a_layer_for_another_machine_is_built_here(facts, tmp_path):
    image = ImageFacts(
        python="3.13.1",
        executable="/usr/local/bin/python",
        machine="aarch64",
        libc=("musl", "1.2.5"),
    )

    layer = build_layer(_ask("markupsafe==3.0.2", image), image, tmp_path)

    assert list(layer.glob("markupsafe/*.cpython-313-aarch64-linux-musl.so"))


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        ("no-such-package-of-flotilla", {}, ["no-such-package-of-flotilla is not in the package"]),
        ("six==0.0.99", {}, ["there is no six 0.0.99"]),
        ("pywin32==306", {}, ["pywin32 306 has no wheel for Python 3."]),
        (
            "numpy==2.2.0",
            {"python": "3.8.1"},
            ["numpy 2.2.0 has no wheel for Python 3.8 on linux"],
        ),
        (
            "pandas==2.2.0,numpy<1.20",
            {"python": "3.12.0"},
            ["pandas==2.2.0 depends on numpy>=1.26.0,<2", "you require numpy<1.20"],
        ),
        (
            "tensorflow",
            {"libc": ("musl", "1.2.5")},
            ["no version of tensorflow that would do has a wheel for Python 3."],
        ),
        ("x @ git+https://127.0.0.1:9/a/x@v1", {}, ["x cannot be fetched"]),
        ("six", {"machine": "s390x"}, ["s390x"]),
    ],
)
def test_what_cannot_be_had_is_said_in_words(facts, text, image, words):
    with pytest.raises(EnvironmentProblem) as caught:
        _ask(text, facts.model_copy(update=image))

    assert all(word in str(caught.value) for word in words), caught.value
    assert caught.value.next_step
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 800


def test_a_script_for_another_python_is_refused(facts):
    code = JobCode(
        sources=('# /// script\n# requires-python = ">=4"\n# dependencies = ["six"]\n# ///\n',),
        cwd=Path.cwd(),
    )

    with pytest.raises(UnresolvedPackages, match="the script needs Python >=4"):
        resolve(find_requirements(read_deps("auto"), code), facts, needs_kernel=False)


def test_source_is_built_where_the_user_names_it_and_never_for_a_script(facts, tmp_path):
    lock = _ask("docopt==0.6.2", facts)
    layer = build_layer(lock, facts, tmp_path)
    block = '# /// script\n# dependencies = ["docopt==0.6.2"]\n# ///\n'
    script = find_requirements(read_deps("auto"), JobCode(sources=(block,), cwd=tmp_path))

    assert lock.is_built_here
    assert (layer / "docopt.py").is_file()
    with pytest.raises(UnresolvedPackages, match=r"docopt 0\.6\.2 has no wheel"):
        resolve(script, facts, needs_kernel=False)


def test_source_that_would_be_compiled_for_another_machine_is_refused(facts, tmp_path):
    image = ImageFacts(
        python=facts.python, executable="/p", machine="aarch64", libc=("glibc", "2.17")
    )
    lock = Lock(packages=("markupsafe==1.1.0",), key="0" * 32, is_built_here=True)

    with pytest.raises(UnresolvedPackages) as caught:
        build_layer(lock, image, tmp_path)

    assert "markupsafe" in str(caught.value)
    assert not list(tmp_path.glob(".unfinished-*"))


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX", "PIP_INDEX_URL"])
def test_passwords_of_an_index_are_in_no_error_lock_or_note(facts, monkeypatch, variable):
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv(variable, "http://bob:pa55word%21@127.0.0.1:9/simple")

    with pytest.raises(EnvironmentProblem) as caught:
        _ask("six==1.17.0", facts)

    assert "cannot be reached" in str(caught.value)
    assert "pa55word" not in str(caught.value) + repr(caught.value.__cause__)


def test_without_uv_the_next_step_is_said(facts, monkeypatch):
    monkeypatch.setattr("jupyter_flotilla.environment.tool.sys.executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(EnvironmentProblem, match=r"pip install 'jupyter_flotilla\[docker\]'"):
        _ask("six", facts)


def test_the_lock_of_a_uv_project_is_read_by_uv(facts, tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\n'
        'dependencies = ["six==1.16.0"]\n[dependency-groups]\ndev = ["idna==3.10"]\n'
    )
    subprocess.run([find_uv(), "lock", "--quiet", "--project", tmp_path], check=True)

    found = find_requirements(read_deps("lock"), JobCode(cwd=tmp_path))

    assert found.requirements == ("idna==3.10", "six==1.16.0")
