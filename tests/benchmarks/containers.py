"""Containers: what we add to a bare ``docker run``, and what packages cost to bring."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import container_ground
import witness
from contenders import CELLS, NBCLIENT, Contenders, program, timed

import jupyter_flotilla as fl
from jupyter_flotilla.api import flotilla
from jupyter_flotilla.environment import ImageFacts, Lock, build_layer
from jupyter_flotilla.model.options import JobOptions, read_options
from jupyter_flotilla.provision import provisioned


def _image() -> str:
    return container_ground.bring_up().environment["FLOTILLA_BASE_IMAGE"]


def notebook(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """Five short cells, from asking to the result on disk; the packages are there already."""
    image = _image()
    path = witness.notebook(folder / "five.ipynb", *CELLS)
    warm = fl.run_notebook(path, engine="docker", image=image, wait=True)
    assert warm.status == "SUCCEEDED", warm.explain()
    facade = flotilla()
    layer = facade.artifacts.layers / str(facade.get(warm.id).spec.layer)
    me = f"{os.getuid()}:{os.getgid()}"
    bare = ["docker", "run", "--rm", "--user", me, "-e", "HOME=/tmp", "-e", "PYTHONPATH=/layer",
            "-v", f"{layer}:/layer:ro", "-v", f"{folder}:/nb", image,
            "python3", "-c", NBCLIENT, f"/nb/{path.name}", "/nb/out.ipynb"]  # fmt: skip

    def ours() -> float:
        def run() -> None:
            done = fl.run_notebook(path, engine="docker", image=image, wait=True)
            assert done.status == "SUCCEEDED"

        return timed(run)

    return {
        "docker run, nbclient in the same image and layer": program(*bare),
        "run_notebook(engine='docker').wait()": ours,
    }


def first_line(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """From the command to the first line of a job's output on the screen."""
    image = _image()
    fl.submit(["true"], engine="docker", image=image, wait=True)
    ours = [sys.executable, "-m", "jupyter_flotilla", "run", "--engine", "docker"]

    def until_said(*words: str) -> Callable[[], float]:
        def run() -> float:
            began = time.perf_counter()
            with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as one:
                assert one.stdout is not None
                assert one.stdout.readline() == b"hi\n"
                took = time.perf_counter() - began
            return took

        return run

    script = ("sh", "-c", "echo hi; sleep 1")
    return {
        "docker run": until_said("docker", "run", "--rm", image, *script),
        "jupyter flotilla run --engine docker": until_said(*ours, "--image", image, "--", *script),
    }


def layers(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """What it takes to bring a kernel, pandas and scikit-learn to an image with Python only."""
    image = _image()
    source = "import pandas, sklearn.linear_model"
    facade = flotilla()
    draft = facade.draft_source(source, _options(image), folder)
    found = provisioned(draft)
    assert found is not None
    lock, facts = found.lock, found.facts
    there = Path(tempfile.mkdtemp(dir=folder))
    build_layer(lock, facts, there)

    def cold() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as cache:
            return _build(lock, facts, folder, UV_CACHE_DIR=cache)

    return {
        "nothing downloaded yet": cold,
        "all in uv's cache": lambda: _build(lock, facts, folder),
        "the layer is there": lambda: timed(lambda: build_layer(lock, facts, there)),
    }


def _options(image: str) -> JobOptions:
    return read_options({"engine": "docker", "image": image})


def _build(lock: Lock, facts: ImageFacts, folder: Path, **variables: str) -> float:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        with tempfile.TemporaryDirectory(dir=folder) as layers_folder:
            return timed(lambda: build_layer(lock, facts, Path(layers_folder)))
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
