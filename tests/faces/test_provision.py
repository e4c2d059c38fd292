"""What jobs on an image lack is asked for once, however many jobs there are."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import witness

from jupyter_flotilla.environment import PROBE
from jupyter_flotilla.model.options import read_options
from jupyter_flotilla.service import Flotilla


class _Image(SimpleNamespace):
    """An engine whose image has what this Python has."""

    is_here = False

    def check_files(self) -> None:
        self.asked.append("files")

    def image_digest(self, image: str) -> str:
        self.asked.append("digest")
        return "sha256:0"

    def ask_image(self, image: str, program: str, arch: str = "x86_64") -> str:
        self.asked.append("image")
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert program == PROBE
        return done.stdout


def test_the_points_of_a_grid_are_one_question(facade: Flotilla, tmp_path: Path) -> None:
    path = witness.notebook(tmp_path / "a.ipynb", "import json", parameters="x = 1")
    options = read_options({"deps": "none"})
    points: list[dict[str, Any]] = [{"x": x} for x in range(20)]
    made = facade.draft_points(path, read_options({}), points)
    drafts = [replace(d, spec=d.spec.model_copy(update={"image": "i"})) for d in made]
    engine = _Image(asked=[])

    resolved = facade.provision.resolve(drafts, options, engine)  # type: ignore[arg-type]

    assert engine.asked == ["files", "digest", "image"]
    assert [draft.spec.params for draft in resolved] == points
    assert {draft.layer for draft in resolved} == {resolved[0].layer} != {None}
    assert all("image has Python" in draft.notes[0] for draft in resolved)
