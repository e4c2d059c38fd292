"""The statements of our own code, as it executes them: what is done between two of them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import jupyter_flotilla

_PACKAGE = Path(jupyter_flotilla.__file__).parent
_PACKAGE_PREFIX = f"{_PACKAGE}/"
#: Where the protocol of a launch is; and where else something is done on the way of a run.
PROTOCOL = (
    "engines/ecs/launching.py", "engines/ecs/account.py", "dispatch/launcher.py",
    "store/attempts.py",
)  # fmt: skip
_CALLS = "engines/ecs/account.py"
_ASIDE = ("engines/ecs/definition.py", "engines/ecs/capacity.py", "engines/ecs/observe.py")
EVERYWHERE = (
    *PROTOCOL, "engines/ecs/engine.py", "engines/ecs/definition.py", "engines/ecs/finding.py",
    "engines/ecs/following.py", "engines/ecs/ending.py", "dispatch/poller.py", "store/runs.py",
    "store/connection.py", "protocol/files.py",
)  # fmt: skip
#: Where another dispatcher may be at work meanwhile: in or below the first, if not in the others,
#: this one holds no lock and no transaction.
OPEN = ("engines/ecs/launching.py", "engines/ecs/following.py", "engines/ecs/account.py")
_CLOSED = ("engines/ecs/definition.py", "store/")


@dataclass
class Blade:
    """Something that is done once to a dispatcher, before a statement of its.

    Parameters
    ----------
    files
        Of the package, whose statements count.
    chooses
        Says whether it is to be done at a statement: told of the lines of the package that lead
        to it, the statement's own first.
    """

    files: Sequence[str]
    chooses: Callable[[tuple[str, ...]], bool]
    act: Callable[[], None]
    #: Where it was done; empty: not yet.
    at: str = ""

    def __post_init__(self) -> None:
        self._names = frozenset(str(_PACKAGE / name) for name in self.files)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch what is executed meanwhile."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(before)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._names and not self.at else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and not self.at:
            way = _way_to(frame)
            if self.chooses(way):
                self.at = way[0]
                self.act()
        return self._line


def _way_to(frame: FrameType | None) -> tuple[str, ...]:
    """Return the lines of the package that are being executed, the innermost first."""
    way = []
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_PACKAGE_PREFIX):
            way.append(f"{name[len(_PACKAGE_PREFIX) :]}:{frame.f_lineno}")
        frame = frame.f_back
    return tuple(way)


def is_of_protocol(way: tuple[str, ...]) -> bool:
    """Say whether a statement is part of a launch, and of no question that comes before it."""
    if any(line.startswith(_ASIDE) for line in way):
        return False
    callers = [line for line in way if not line.startswith(_CALLS)]
    return len(callers) == len(way) or callers[0].startswith("engines/ecs/launching.py")


def is_of_engine(way: tuple[str, ...]) -> bool:
    """Say whether a statement is one of the engine's: before it, nothing can have been sent."""
    return any(line.startswith("engines/ecs/launching.py") for line in way)


def is_open(way: tuple[str, ...]) -> bool:
    """Say whether neither a lock nor a transaction is held at a statement."""
    is_below = any(line.startswith(OPEN[:2]) for line in way)
    return is_below and not any(line.startswith(_CLOSED) for line in way)
