"""Values that a cell's job has given back, read when they are asked for."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.protocol import values


class Outputs(Mapping[str, Any]):
    """Name → value; nothing is read before an item is taken.

    A pickled value runs its writer's code when it is loaded. These were written by the user's own
    run, into a folder that is the user's alone.

    Parameters
    ----------
    bring
        Sees to it that a file of the attempt, named below its folder, is there.
    """

    def __init__(self, folder: Path, bring: Callable[[str], object] = lambda name: None) -> None:
        self._folder = folder
        self._bring = bring
        self._loaded: dict[str, Any] = {}
        self._entries: dict[str, dict[str, Any]] = {}

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """What describes each value, as `protocol.values.save` has it; empty before the end."""
        if not self._entries:  # else read before: the file is written once, and whole
            # the job can write there, too: what is no list of values is none
            with suppress(OSError, ValueError, TypeError, KeyError):
                listed = json.loads((self._folder / protocol.OUTPUTS).read_text())
                self._entries = {entry["name"]: entry for entry in listed}
        return self._entries

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            entry = self.entries[name]
            self.bring(name)
            self._loaded[name] = values.load(entry, str(self._folder / protocol.VALUES))
        return self._loaded[name]

    def bring(self, name: str) -> None:
        """See to it that the file of a value is here; raises KeyError where there is none."""
        self._bring(f"{protocol.VALUES}/{Path(str(self.entries[name]['file'])).name}")

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.entries if name != protocol.RESULT)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        shown = (f"{name}: {self.entries[name]['type']}" for name in self)
        return f"<Outputs {', '.join(shown) or 'none'}>"

    @property
    def has_result(self) -> bool:
        """Say whether the value of the last expression came back as it is."""
        return protocol.RESULT in self.entries

    @property
    def result(self) -> Any:
        """The value of the last expression; raises KeyError where only its display came back."""
        return self[protocol.RESULT]
