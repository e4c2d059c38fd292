"""What an image says of itself, and what uv calls its platform."""

import json
import platform
import subprocess
import sys

import pytest

from jupyter_flotilla.environment import PROBE, ImageFacts, facts_of
from jupyter_flotilla.errors import EnvironmentProblem


def _facts(**fields):
    given = {"python": "3.11.2", "executable": "/p", "machine": "x86_64", "libc": ("glibc", "2.36")}
    return ImageFacts(**(given | fields))


@pytest.mark.parametrize(
    ("machine", "libc", "platform"),
    [
        ("x86_64", ("glibc", "2.36"), "x86_64-manylinux_2_36"),
        ("aarch64", ("glibc", "2.17"), "aarch64-manylinux_2_17"),
        ("x86_64", ("glibc", "2.27"), "x86_64-manylinux_2_17"),
        ("x86_64", ("glibc", "2.30"), "x86_64-manylinux_2_28"),
        ("x86_64", ("glibc", "2.43"), "x86_64-manylinux_2_40"),
        ("aarch64", ("musl", "1.2.5"), "aarch64-unknown-linux-musl"),
    ],
)
def test_platforms(machine, libc, platform):
    assert _facts(machine=machine, libc=libc).platform == platform


@pytest.mark.parametrize(
    "fields",
    [
        {"machine": "s390x"},
        {"machine": "32-bit"},
        {"system": "darwin"},
        {"implementation": "pypy"},
        {"is_free_threaded": True},
        {"libc": ("", "")},
        {"libc": ("glibc", "2.12")},
        {"libc": ("glibc", "x")},
        {"libc": ("musl", "1.1.24")},
    ],
    ids=str,
)
def test_an_image_without_wheels_is_said_to_be_so(fields):
    with pytest.raises(EnvironmentProblem, match="cannot be brought into this image"):
        _ = _facts(**fields).platform


def test_the_probe_tells_of_the_python_that_runs_it():
    said = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)

    facts = facts_of(f"banner {{\n{said.stdout}bye", digest="sha256:1")

    assert facts.minor == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert (facts.executable, facts.digest) == (sys.executable, "sha256:1")
    assert facts.version_of("Jupyter_Client") is not None
    assert any(text.startswith("traitlets") for text in facts.requires["ipykernel"])


@pytest.mark.parametrize(
    ("said", "python"), [("3.12.3+", "3.12.3"), ("3.15.0rc1", "3.15.0rc1"), ("3.8.20", "3.8.20")]
)
def test_a_version_of_ones_own_build_is_understood(said, python):
    line = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True).stdout
    line = line.replace(json.dumps(platform.python_version()), json.dumps(said))

    assert facts_of(line).python == python


@pytest.mark.parametrize(
    "text", ["", "sh: python: not found", '{"flotilla_image": 1}', '{"flotilla_image"', "[]"]
)
def test_another_answer_is_an_error_in_words(text):
    with pytest.raises(EnvironmentProblem, match="does not say what it has"):
        facts_of(text)
