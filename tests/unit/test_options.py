"""The option table: every face offers the same set."""

import inspect

import click
import pytest

from jupyter_flotilla import api
from jupyter_flotilla.commands.run import run
from jupyter_flotilla.magics.cell import flotilla_run
from jupyter_flotilla.model.grid_options import GRID_OPTIONS, GridKeywords, GridOptions
from jupyter_flotilla.model.options import (
    OPTIONS,
    JobOptions,
    OptionKeywords,
    json_schema,
    read_options,
)

#: Options of the command itself, not of the job.
RUN_ONLY = {"wait", "save", "yes", "dry_run", "as_json"}
#: Options of the magic itself.
MAGIC_ONLY = {"inputs", "outputs", "wait", "on_interrupt", "again", "yes", "dry_run", "quiet"}
#: Keywords of the functions themselves.
CALL_ONLY = {"wait", "confirm"}
KEYWORDS = {option.py for option in OPTIONS}
GRID_KEYWORDS = {option.py for option in GRID_OPTIONS}
FIELDS = {option.rest for option in OPTIONS}
#: keyword → a value as people write it, its canonical form.
WRITTEN = {
    "cpu": ("4", 4.0),
    "gpu": ("1", 1),
    "image": ("python:3.12-slim", "python:3.12-slim"),
    "deps": ("pandas,polars>=1", "pandas,polars>=1"),
    "with_": (("polars", "s3fs>=2024"), ("polars", "s3fs>=2024")),
    "network": ("none", "none"),
    "role": ("readers", "readers"),
    "memory": ("16G", 16_384),
    "spot": (True, True),
    "arch": ("arm64", "arm64"),
    "disk": ("50G", 50),
    "timeout": ("2h", 7200),
    "max_cost": ("2.50", 2.5),
    "retries": ("2", 2),
    "on_oom": ("double:64G", "double:64G"),
    "params": (("alpha=0.1",), {"alpha": 0.1}),
    "env": (("A=1",), {"A": "1"}),
    "secrets": (("TOKEN",), {"TOKEN": "keyring:flotilla/TOKEN"}),
    "files": (("data/*.csv",), ("data/*.csv",)),
    "fetch": (("out/*.png",), ("out/*.png",)),
    "name": ("train", "train"),
    "tags": (("team=a",), {"team": "a"}),
    "notify": (("team:failure",), ("team:failure",)),
    "publish": (("sales", "s.csv=out/s.csv"), ("sales.html", "s.csv=out/s.csv")),
    "engine": ("process", "process"),
    "profile": ("@big", "big"),
}


def click_options():
    return {p.name: p for p in run.params if isinstance(p, click.Option)}


def test_options_are_these():
    assert set(WRITTEN) == KEYWORDS


def test_values_that_travel_are_the_tables():
    assert set(JobOptions.model_fields) == FIELDS
    assert set(GridOptions.model_fields) == {option.rest for option in GRID_OPTIONS}


def test_keywords_of_python_are_the_tables():
    assert set(OptionKeywords.__annotations__) == KEYWORDS
    assert set(GridKeywords.__annotations__) == GRID_KEYWORDS


def test_properties_of_the_json_schema_are_the_tables():
    assert set(json_schema()["properties"]) == FIELDS


@pytest.mark.parametrize(
    ("function", "own"),
    [(api.submit, "what"), (api.run_notebook, "path"), (api.run_source, "source")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_signature_shows_the_tables_keywords(function, own):
    parameters = inspect.signature(function).parameters

    keywords = KEYWORDS | CALL_ONLY
    assert set(parameters) - {"args"} == keywords | {own}
    assert all(parameters[k].kind is inspect.Parameter.KEYWORD_ONLY for k in keywords)


def test_signature_of_a_grid_shows_both_tables():
    parameters = inspect.signature(api.run_grid).parameters

    assert set(parameters) == KEYWORDS | GRID_KEYWORDS | CALL_ONLY | {"path"}


def test_flags_of_the_command_line_are_the_tables():
    assert set(click_options()) - RUN_ONLY == KEYWORDS | GRID_KEYWORDS


def test_flags_of_the_cell_magic_are_the_tables():
    own = {p.name for p in flotilla_run.params if isinstance(p, click.Option)}

    assert own - MAGIC_ONLY == KEYWORDS


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_flag_of_the_cell_magic_is_spelled_and_explained_as_on_the_command_line(option):
    [here] = [p for p in flotilla_run.params if p.name == option.py]
    there = click_options()[option.py]

    assert isinstance(here, click.Option)
    assert (here.opts, here.multiple, here.help) == (there.opts, there.multiple, there.help)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_flag_is_spelled_as_the_table_says(option):
    flags = [f"--{option.name}"] + ([f"-{option.alias}"] if option.alias else [])

    shown = click_options()[option.py]

    assert (shown.opts, shown.multiple, shown.metavar) == (flags, option.repeats, option.metavar)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_help_is_the_tables_on_every_face(option):
    assert click_options()[option.py].help == option.help
    assert json_schema()["properties"][option.rest]["description"] == option.help
    assert f"{option.py}: {option.help}" in api.submit.__doc__


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_option_is_read_into_its_own_field(option):
    written, canonical = WRITTEN[option.py]

    options = read_options({option.py: written})

    assert options == JobOptions(**{option.rest: canonical})


def test_no_two_flags_of_the_command_are_spelled_alike():
    flags = [flag for p in click_options().values() for flag in (*p.opts, *p.secondary_opts)]

    assert len(flags) == len(set(flags))


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.is_flag], ids=lambda o: o.name)
def test_flag_without_a_value_can_be_taken_back(option):
    shown = click_options()[option.py]

    assert shown.is_flag
    assert (shown.secondary_opts, shown.default) == ([f"--no-{option.name}"], None)
