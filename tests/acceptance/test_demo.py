"""README's first command, in this environment."""

import re
from pathlib import Path

import witness


def test_the_demo_runs_a_real_notebook_and_says_what_to_do_next(settings_file: Path) -> None:
    shown = witness.flotilla("demo")

    assert shown.returncode == 0, shown.stderr
    assert "accuracy" in shown.stdout
    assert "would be ≈ $" in shown.stderr
    assert "✔ SUCCEEDED" in shown.stderr
    assert "Three things to try next" in shown.stderr
    [notebook] = re.findall(r"with its plots: (.*\.ipynb)", shown.stderr)
    assert "image/png" in Path(notebook).read_text()
