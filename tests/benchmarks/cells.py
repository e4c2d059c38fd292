"""The cell magic in a real kernel, against what else runs a cell elsewhere."""

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from real_kernel import RealKernel

Contenders = dict[str, Callable[[], float]]

_FRAME = """
import numpy as np, pandas as pd
df = pd.DataFrame(np.random.default_rng(0).random((1_250_000, 10)), columns=list("abcdefghij"))
"""
_PX = """
import ipyparallel as ipp
cluster = ipp.Cluster(n=1, log_level=40)
rc = cluster.start_and_connect_sync()
rc[:].activate("")
"""


def cell(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """``1+1`` sent away and back, in a fresh kernel, and by an engine that waits for it."""
    kernel = _kernel(folder)
    contenders: Contenders = {
        "a fresh kernel, 1+1": lambda: _seconds(lambda: _fresh(folder)),
        "%%flotilla_run, 1+1": lambda: _seconds(lambda: kernel.run("%%flotilla_run\n1+1")),
    }
    if importlib.util.find_spec("ipyparallel") is not None:
        parallel = RealKernel(folder)
        parallel.run(_PX)
        contenders["%%px of ipyparallel, its engine being up"] = lambda: _seconds(
            lambda: parallel.run("%%px\n1+1")
        )
    return contenders


def frame(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """A DataFrame of 100 MB that goes and comes, against parquet written and read twice."""
    kernel = _kernel(folder)
    kernel.run(_FRAME)
    path = folder / "df.parquet"
    twice = "\n".join([f"df.to_parquet({str(path)!r}); pd.read_parquet({str(path)!r}); 0"] * 2)
    return {
        "parquet to disk and back, twice": lambda: _seconds(lambda: kernel.run(twice)),
        "%%flotilla_run --yes -i df -o df": lambda: _seconds(
            lambda: kernel.run("%%flotilla_run --yes -i df -o df\ndf = df")
        ),
    }


def lines(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """10,000 lines of output, printed here and by a job."""
    kernel = _kernel(folder)
    body = "for i in range(10_000): print(i)"
    return {
        "printed by the kernel": lambda: _seconds(lambda: kernel.run(body)),
        "%%flotilla_run, nothing printed": lambda: _seconds(
            lambda: kernel.run("%%flotilla_run\nNone")
        ),
        "%%flotilla_run, printed by the job": lambda: _seconds(
            lambda: kernel.run(f"%%flotilla_run\n{body}")
        ),
    }


def load_ext(folder: Path, arguments: argparse.Namespace) -> Contenders:
    """What ``%load_ext`` adds to IPython's start."""

    def ipython(code: str) -> Callable[[], float]:
        words = [sys.executable, "-m", "IPython", "-c", code]
        return lambda: _seconds(lambda: subprocess.run(words, check=True, capture_output=True))

    return {"ipython": ipython(""), "ipython, %load_ext": ipython("%load_ext jupyter_flotilla")}


def _kernel(folder: Path) -> RealKernel:
    kernel = RealKernel(folder)
    kernel.run("%load_ext jupyter_flotilla", "%%flotilla_run\n1")  # a dispatcher lives
    return kernel


def _fresh(folder: Path) -> None:
    with RealKernel(folder) as kernel:
        assert kernel.run("1+1").text == "2"


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
