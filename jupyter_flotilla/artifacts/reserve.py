"""Room kept in the home, so that a full disk can be cleaned, and what fills it be stopped."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from jupyter_flotilla.errors import DiskFull
from jupyter_flotilla.protocol import forget, open_private

T = TypeVar("T")

#: Enough to open the store, whose index alone takes 32 KiB, and to write a few rows.
_PIECE_BYTES = 128 * 1024
#: Several, because a job that fills the disk may be quicker than we are.
_PIECES = 4
#: Room is set aside only where there is much more of it.
_PLENTY = 2 * _PIECES * _PIECE_BYTES


class Reserve:
    """Room set aside in a home, in pieces that are given up one by one."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._pieces = [home / f"reserve-{number}" for number in range(1, _PIECES + 1)]

    def keep(self) -> None:
        """Set aside what is missing, if there is plenty of room, and the home can be used."""
        with suppress(OSError):
            for piece in self._missing():
                if self._free() < _PLENTY:
                    return
                self._set_aside(piece)

    def demand(self) -> None:
        """Refuse what is new where room could not be set aside: the rest is for ways out.

        Raises
        ------
        DiskFull
            If there is neither the whole reserve nor plenty of room.
        """
        self.keep()
        if self._missing() and self._free() < _PLENTY:
            raise DiskFull(
                f"no room left at {self._home}: {self._free() // 1024} KiB are free",
                next_step="free some space there, e.g. jupyter flotilla clean --older-than 7d, or "
                "set FLOTILLA_HOME to another disk",
            )

    def give_up(self) -> bool:
        """Give a piece back; False if there is none."""
        for piece in self._pieces:
            try:
                piece.unlink()
            except OSError:
                continue
            return True
        return False

    def lend(self, act: Callable[[], T]) -> T:
        """Do something, with what was set aside if there is no other room; raises DiskFull."""
        while True:
            try:
                return act()
            except DiskFull:
                if not self.give_up():
                    raise

    def _set_aside(self, piece: Path) -> None:
        try:
            with open_private(str(piece), "xb") as file:
                file.write(os.urandom(_PIECE_BYTES))  # some disks take no room for zeros
        except FileExistsError:
            pass  # another process was first
        except OSError:
            forget(str(piece))

    def _missing(self) -> list[Path]:
        return [piece for piece in self._pieces if not piece.exists()]

    def _free(self) -> int:
        return shutil.disk_usage(self._home).free
