"""Record `jupyter flotilla demo` in a terminal (tmux) as docs/demo.svg.

python docs/demo_picture.py      in an environment that has jupyter_flotilla[demo]
"""

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

_WIDTH, _HEIGHT = 104, 60


def _tmux(*words: str) -> str:
    command = ["tmux", "-L", "flotilla-picture", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Show the screen in the middle of the run, and how it ends."""
    with tempfile.TemporaryDirectory() as home:
        bin_folder = Path(sys.executable).parent
        shell = f"env FLOTILLA_HOME={home} PATH={bin_folder}:{os.environ['PATH']} PS1='$ ' sh"
        _tmux("new-session", "-d", "-x", str(_WIDTH), "-y", str(_HEIGHT), shell)
        try:
            _screen_with("$", "$")  # a prompt, before anything is typed
            _tmux("send-keys", "jupyter flotilla demo", "Enter")
            middle = _screen_with("trees:  38", "RUNNING")
            end = _screen_with("Three things to try next", "terminal")
        finally:
            _tmux("kill-server")
    lines = middle.rstrip().splitlines()
    ending = end.rstrip().splitlines()
    result = next(i for i, line in enumerate(ending) if "accuracy" in line)
    text = "\n".join([*lines, "\x1b[0m", "… some seconds later", "", *ending[result:-1]])
    text = text.replace(home, "~/.local/share/flotilla").replace(str(Path.cwd()), "…")
    text = re.sub(r"runs/../\w+/attempts/1", "runs/…", text)
    console = Console(record=True, width=_WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(text), soft_wrap=True)
    svg = console.export_svg(title="jupyter flotilla demo")
    # Nothing is fetched by whoever looks at the picture: their own monospace font will do.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace(
        "Fira Code", "DejaVu Sans Mono"
    )
    Path(__file__).with_name("demo.svg").write_text(svg, encoding="utf-8")


def _screen_with(*words: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        screen = _tmux("capture-pane", "-p", "-e", "-J")
        if all(word in screen for word in words):
            return screen
        time.sleep(0.2)
    raise SystemExit(f"{words} never appeared")


if __name__ == "__main__":
    main()
