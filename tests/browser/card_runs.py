"""A program: launches the runs whose cards the tests look at, and prints their ids."""

import json
import sys

from detail_runs import HUNGRY, LIVE

import jupyter_flotilla as fl


def main() -> None:
    """Launch them all, and wait for those that end."""
    runs = {
        "live": fl.submit(
            [sys.executable, "-c", LIVE], name="train", tags={"team": "search"}, memory="512M"
        ),
        "hungry": fl.submit([sys.executable, "-c", HUNGRY], name="hungry", memory="300M"),
        "quick": fl.submit(["echo", "done"], name="quick"),
    }
    for name in ("hungry", "quick"):
        runs[name].wait()
    print(json.dumps({name: run.id for name, run in runs.items()}))


if __name__ == "__main__":
    main()
