"""Follows a run from a cell, to its end or until somebody stops; binds what it gives back."""

import time
from collections.abc import Iterable
from typing import Any

from jupyter_flotilla.commands.interrupts import Interrupts, interrupts
from jupyter_flotilla.errors import RunCancelled, RunFailed
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.magics.card import make_card
from jupyter_flotilla.magics.replay import Replay
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.units import format_bytes
from jupyter_flotilla.remote_error import remote_error
from jupyter_flotilla.service import Flotilla

#: Larger outputs stay where they are until they are asked for, in bytes.
_LAZY_BYTES = 500 * 10**6
#: How often a cell is renewed at least, in seconds.
_RENEW_S = 0.5
#: A server interrupts a kernel before it ends or restarts it, and says so within this, in seconds.
_TOLD_WITHIN_S = 1.0
_BEFORE = "_flotilla_before"


class Stopped(KeyboardInterrupt):
    """■ was pressed: the run was cancelled, and what "Run all" has queued does not run."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Detached(Stopped):
    """The run goes on, the cell does not wait for it any more."""


class Following:
    """A run and the cell that shows it."""

    def __init__(self, shell: Any, flotilla: Flotilla, handle: RunHandle, head: list[str]) -> None:
        self._shell = shell
        self._flotilla = flotilla
        self._handle = handle
        self.card = make_card(shell, head)
        self._replay = Replay(flotilla, handle, self.card.make_room)
        self._is_detached = False

    def follow(self, presses: Interrupts, *, detach: bool) -> None:
        """Show the run until it is final.

        Raises
        ------
        Stopped, Detached
            If ■ was pressed.
        RunFailed
            If the run failed; of the error's own type where the cell raised it.
        """
        handle = self._handle
        act = self._detach if detach else self._cancel
        before = handle.detached_at()
        presses.aim(handle.short_id, act)
        for _ in handle.changes(every_s=_RENEW_S):
            self._replay.show_new()
            self.card.show(handle)
            for sentence in presses.news():
                self.card.make_room()
                print(sentence if not detach else f"detaching from {handle.short_id} …")
            if self._is_detached or handle.detached_at() != before:
                short = handle.short_id
                raise Detached(f"{short} goes on: %flotilla attach {short} comes back to it")
        self._replay.show_new()
        self.card.make_room()
        self.card.show(handle, final=True)
        if (hidden := self._replay.hidden()) is not None:
            print(hidden)
        self._raise_failure(presses)

    def result(self) -> Any:
        """Return the value of the cell's last expression; what was displayed where only that came.

        None where it has none.
        """
        outputs = self._handle.outputs
        if outputs.has_result:
            return outputs.result
        record = self._replay.result
        return None if record is None else Shown(record["data"], record.get("metadata") or {})

    def _detach(self, grace_s: float) -> None:
        self._is_detached = True

    def _cancel(self, grace_s: float) -> None:
        """Cancel; only detach where it is the kernel that is to end."""
        if grace_s > 0 and _is_leaving(self._shell):
            self._is_detached = True
        else:
            self._flotilla.cancel(self._handle.id, grace_s)

    def _raise_failure(self, presses: Interrupts) -> None:
        handle = self._handle
        if handle.snapshot.status is RunStatus.SUCCEEDED:
            return
        if presses.presses:
            raise Stopped(f"{handle.short_id} was cancelled.")
        message = str(handle.explain(last_lines=0))
        error = self._replay.error
        if handle.snapshot.failure_kind == "user-error" and error is not None and error["ename"]:
            raise remote_error(message, error)
        is_cancelled = handle.snapshot.status is RunStatus.CANCELLED
        raise RunCancelled(message) if is_cancelled else RunFailed(message)


def _is_leaving(shell: Any) -> bool:
    """Say whether a kernel that was interrupted is told to end just now.

    source: jupyter_client 8.10, KernelManager.shutdown_kernel, which interrupts it first.
    """
    if getattr(shell, "kernel", None) is None:
        return False
    deadline = time.monotonic() + _TOLD_WITHIN_S
    while not (is_told := bool(getattr(shell, "exit_now", False))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_told


def attach(shell: Any, flotilla: Flotilla, handle: RunHandle) -> Any:
    """Stream a run again, from its beginning, wait for it and bind what it gives back."""
    with interrupts() as presses:
        following = Following(shell, flotilla, handle, [])
        following.follow(presses, detach=True)
    bind(shell, handle, noted_values(shell, handle))
    shell.user_ns["_flotilla"] = handle
    return following.result()


class Shown:
    """What the last expression of a cell displayed, where its value did not come back."""

    def __init__(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        self._data = data
        self._metadata = metadata

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._data, self._metadata

    def __repr__(self) -> str:
        text = self._data.get("text/plain", "")
        return "".join(text) if isinstance(text, list) else str(text)


def note_values(shell: Any, handle: RunHandle, names: Iterable[str]) -> None:
    """Remember what names stand for at a launch, for `bind` after this cell or a later one."""
    # the values themselves: an id may be that of another value by then
    before = {name: shell.user_ns[name] for name in names if name in shell.user_ns}
    shell.user_ns_hidden.setdefault(_BEFORE, {})[handle.id] = before


def noted_values(shell: Any, handle: RunHandle) -> dict[str, Any]:
    """Return what `note_values` has noted; nothing in another kernel than that of the launch."""
    found: dict[str, Any] = shell.user_ns_hidden.get(_BEFORE, {}).get(handle.id, {})
    return found


def bind(shell: Any, handle: RunHandle, before: dict[str, Any]) -> None:
    """Bind a run's outputs to their names; never over a value that is newer than the launch.

    Parameters
    ----------
    before
        Name → its value at launch. What is not in it and is here now was bound by
        somebody else.
    """
    outputs = handle.outputs
    bound = []
    for name in outputs:
        entry = outputs.entries[name]
        is_here = name in shell.user_ns
        if is_here and before.get(name, bind) is not shell.user_ns[name]:
            print(
                f"{name} changed here since the launch and stays; the run's value: "
                f"%flotilla pull {handle.short_id} {name} --force"
            )
        elif entry["size"] > _LAZY_BYTES:
            size = format_bytes(entry["size"])
            print(f"{name} is {size}: %flotilla pull {handle.short_id} {name} brings it here")
        else:
            shell.user_ns[name] = outputs[name]
            bound.append(name)
    shell.user_ns_hidden.get(_BEFORE, {}).pop(handle.id, None)  # held no longer than it is needed
    if bound:
        print(f"{', '.join(bound)} → namespace")
