import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import witness

from jupyter_flotilla import machine
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.process.engine import ProcessEngine
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.testing.engine_suite import EngineSuite


class TestProcessEngine(EngineSuite):
    @pytest.fixture
    def engine(self, home: Path, run_id: str) -> Iterator[Engine]:
        yield ProcessEngine(load_settings())
        assert witness.processes_of_run(run_id) == []

    @pytest.fixture
    def spec(self, tmp_path: Path) -> Callable[..., JobSpec]:
        def make(script: str) -> JobSpec:
            return JobSpec(
                kind="command",
                name="suite",
                command=("bash", "-c", script),
                cwd=str(tmp_path),
                interpreter=sys.executable,
                env={"PATH": os.environ["PATH"]},
                engine="process",
                place=machine.host(),
            )

        return make
