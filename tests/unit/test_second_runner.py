"""A runner that finds its attempt begun: it does nothing, and says who has begun it."""

import json
import subprocess
import sys
from pathlib import Path


def test_it_names_the_process_that_was_first(tmp_path: Path) -> None:
    job = {"protocol": 1, "secrets": []}
    (tmp_path / "job.json").write_text(json.dumps(job))
    (tmp_path / "started.json").write_text(json.dumps({"pid": 4711, "at": 1.0}))

    ended = subprocess.run(
        [sys.executable, "-m", "jupyter_flotilla.runner", tmp_path],
        input="{}", capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 75
    assert ended.stderr == "flotilla: another process has begun this attempt: process 4711\n"
