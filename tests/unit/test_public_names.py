"""The package's public names, and what importing it costs."""

import json
import subprocess
import sys

import pytest

import jupyter_flotilla

PUBLIC = [
    "FlotillaError",
    "RunCancelled",
    "RunFailed",
    "RunHandle",
    "RunSet",
    "RunStatus",
    "ScheduleHandle",
    "__version__",
    "costs",
    "get",
    "get_grid",
    "get_schedule",
    "job",
    "map",
    "panel",
    "published",
    "remote",
    "run_grid",
    "run_notebook",
    "run_source",
    "runs",
    "schedule",
    "schedules",
    "submit",
]
HEAVY = ["pydantic", "sqlalchemy", "nbclient", "IPython", "click", "psutil"]


def loaded_after(statement):
    """Return the names of all modules that a fresh Python has after a statement."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def loaded():
    """Return what a bare import of the package loads."""
    return loaded_after("import jupyter_flotilla")


def test_public_names_are_these():
    assert jupyter_flotilla.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_there(name):
    assert getattr(jupyter_flotilla, name) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_has_a_docstring(name):
    value = getattr(jupyter_flotilla, name)

    assert isinstance(value, str) or value.__doc__


def test_completion_offers_the_public_names_alone():
    assert dir(jupyter_flotilla) == sorted(PUBLIC)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'run_notebok'"):
        _ = jupyter_flotilla.run_notebok


@pytest.mark.parametrize("heavy", HEAVY)
def test_import_does_not_load(loaded, heavy):
    assert heavy not in {name.partition(".")[0] for name in loaded}


def test_import_loads_no_other_module_of_ours(loaded):
    assert [name for name in loaded if name.startswith("jupyter_flotilla")] == ["jupyter_flotilla"]


def test_job_loads_nothing_that_a_jobs_own_python_may_not_have():
    loaded = loaded_after("from jupyter_flotilla import job")

    strangers = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    ours = {name for name in strangers if name.startswith("jupyter")}
    assert ours == {"jupyter_flotilla"}
    assert not strangers & set(HEAVY)
