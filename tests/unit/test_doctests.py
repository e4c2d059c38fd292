"""The examples in the docstrings of modules that touch nothing."""

import doctest
import pkgutil
from importlib import import_module

import pytest

from jupyter_flotilla import model

PURE = [
    *(f"jupyter_flotilla.model.{module.name}" for module in pkgutil.iter_modules(model.__path__)),
    "jupyter_flotilla.environ",
    "jupyter_flotilla.render",
    "jupyter_flotilla.job",
    "jupyter_flotilla.protocol",
]


@pytest.mark.parametrize("name", PURE)
def test_examples_in_docstrings_are_right(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples_to_be_right():
    attempted = {name: doctest.testmod(import_module(name)).attempted for name in PURE}

    assert attempted["jupyter_flotilla.model.units"] >= 6
    assert attempted["jupyter_flotilla.job"] >= 2
