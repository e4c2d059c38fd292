"""What a job said, as outputs of the cell that sent it: for whoever writes a notebook later.

While a kernel waits for a run, it replays the run's stream into its cell. Where none does any more,
the same outputs are made here from the same stream, at any time, always the same.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from jupyter_flotilla import run_card
from jupyter_flotilla.errors import RunCancelled, RunFailed
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.logs import Streams
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.protocol import record_text
from jupyter_flotilla.remote_error import remote_error
from jupyter_flotilla.service import Flotilla

#: More of these are not shown in a cell, but kept in the run.
_MOST_LINES = 2_000
_MOST_CHARACTERS = 10 * 2**20
_MOST_DISPLAYS = 200
_MOST_DISPLAYED = 50 * 2**20
_WIDGET = "application/vnd.jupyter.widget-view+json"

#: An output as nbformat 4 has it.
Output = dict[str, Any]


class Allowance:
    """How much of what a job says its cell still shows."""

    def __init__(self) -> None:
        self._lines = self._characters = self._displays = self._display_size = 0
        self._hidden_lines = self._hidden_displays = 0

    def text(self, text: str) -> str:
        """Return the part of a text that is shown."""
        lines, room = _MOST_LINES - self._lines, _MOST_CHARACTERS - self._characters
        end = room if len(text) > room else len(text)
        if text.count("\n", 0, end) > lines:
            end = _after_newline(text, lines)
        shown, hidden = text[:end], text[end:]
        self._lines += shown.count("\n")
        self._characters += len(shown)
        if hidden:
            self._hidden_lines += max(1, hidden.count("\n"))
        return shown

    def display(self, data: Mapping[str, Any]) -> bool:
        """Say whether one more display is shown."""
        size = sum(len(str(body)) for body in data.values())
        has_room = self._display_size + size <= _MOST_DISPLAYED
        if self._displays >= _MOST_DISPLAYS or not has_room:
            self._hidden_displays += 1
            return False
        self._displays += 1
        self._display_size += size
        return True

    def hidden(self, short_id: str) -> str | None:
        """Return a sentence about what was not shown; None: all was."""
        what = []
        if self._hidden_lines:
            what.append(f"{self._hidden_lines:,} more lines")
        if self._hidden_displays:
            what.append(f"{self._hidden_displays:,} more displays")
        return f"… {' and '.join(what)}: %flotilla logs {short_id}" if what else None


def _after_newline(text: str, count: int) -> int:
    """Return where the text goes on after so many line breaks."""
    at = 0
    for _ in range(count):
        at = text.index("\n", at) + 1
    return at


class Places:
    """Where displays go: with ids where the job gave them, else one below the other.

    After the job has cleared its output, those that were cleared are drawn over.
    """

    def __init__(self) -> None:
        self._next = 0

    def of(self, record: dict[str, Any]) -> str:
        """Return the place of a display."""
        own = record.get("display_id")
        if own is not None:
            return f"id-{own}"
        self._next += 1
        return f"place-{self._next - 1}"

    def clear(self) -> None:
        """Begin anew."""
        self._next = 0


def shown_data(record: dict[str, Any]) -> dict[str, Any]:
    """Return the bundle of a display without what no other kernel can show.

    A live widget's model is in the job's kernel, and gone with it: what is left is its text.
    """
    return {mime: body for mime, body in record["data"].items() if mime != _WIDGET}


class Text:
    """What a job writes to one stream, as a terminal shows it: ``\\r`` begins the line anew."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lines: list[str] = []
        self._line = ""

    def write(self, text: str) -> None:
        """Take what follows."""
        *lines, self._line = (self._line + text).split("\n")
        self._lines += [_last_written(line.rstrip("\r")) for line in lines]
        ends = len(self._line) - len(self._line.rstrip("\r"))
        body = self._line[: len(self._line) - ends]
        self._line = _last_written(body) + "\r" * min(1, ends)

    def output(self) -> Output:
        """Return it as an output."""
        return {
            "output_type": "stream",
            "name": self.name,
            "text": "\n".join([*self._lines, self._line]),
        }


class CellOutputs:
    """The outputs of a run's cell, read on from where they were read last."""

    def __init__(self, flotilla: Flotilla, handle: RunHandle) -> None:
        self.flotilla = flotilla
        self._handle = handle
        self._streams = Streams(flotilla, handle.id)
        self._attempt = 1
        self._allowance = Allowance()
        self._places = Places()
        self._outputs: list[Output | Text] = []
        self._displays: dict[str, Output] = {}
        self._error: dict[str, Any] | None = None
        self._result: dict[str, Any] | None = None

    def read(self) -> tuple[list[Output], bool]:
        """Return the outputs as of now, the card first, and whether they will stay so."""
        # whether it is over is asked first: what is written in between is read below
        run = self._handle.refresh().snapshot
        for number, reader in self._streams.up_to(run.attempt):
            if number > self._attempt:
                self._attempt = number
                self._error = self._result = None
            for record in reader.read():
                self._take(record)
        ending = self._ending() if run.status.is_final else []
        said = [out.output() if isinstance(out, Text) else dict(out) for out in self._outputs]
        return [self._card(), *said, *ending], run.status.is_final

    def _card(self) -> Output:
        run = self._handle.snapshot
        lines = run_card.card_lines(self.flotilla, run, is_saved=True)
        return _display(run_card.bundle(run, lines), {})

    def _take(self, record: dict[str, Any]) -> None:
        kind = record["kind"]
        if kind in ("stdout", "stderr"):
            # what is overwritten, as by a progress bar, takes no room
            text = "\n".join(_kept(line) for line in record_text(record).split("\n"))
            self._text(kind, self._allowance.text(text))
        elif kind in ("display", "update"):
            self._display(record)
        elif kind == "result":
            self._result = record
        elif kind == "error":
            self._error = record
        elif kind == "clear":
            self._places.clear()

    def _text(self, name: str, text: str) -> None:
        if not text:
            return
        last = self._outputs[-1] if self._outputs else None
        if not isinstance(last, Text) or last.name != name:
            last = Text(name)
            self._outputs.append(last)
        last.write(text)

    def _display(self, record: dict[str, Any]) -> None:
        place = self._places.of(record)
        new = _display(shown_data(record), record.get("metadata") or {})
        if place in self._displays:
            self._displays[place].update(new)
        elif self._allowance.display(new["data"]):
            self._displays[place] = new
            self._outputs.append(new)

    def _ending(self) -> list[Output]:
        handle = self._handle
        outputs = []
        if (hidden := self._allowance.hidden(handle.short_id)) is not None:
            outputs.append(_text(f"{hidden}\n"))
        if names := ", ".join(handle.outputs):
            outputs.append(_text(f"{names}: %flotilla pull {handle.short_id} brings them here\n"))
        if (failure := self._failure()) is not None:
            return [*outputs, failure]
        if self._result is not None:
            data, metadata = shown_data(self._result), self._result.get("metadata") or {}
            outputs.append(
                {**_display(data, metadata), "output_type": "execute_result",
                 "execution_count": None}
            )  # fmt: skip
        return outputs

    def _failure(self) -> Output | None:
        """Return what a cell that had waited would have raised."""
        handle, run = self._handle, self._handle.snapshot
        if run.status is RunStatus.SUCCEEDED:
            return None
        message, record = str(handle.explain(last_lines=0)), self._error
        if run.failure_kind == "user-error" and record is not None and record["ename"]:
            error = remote_error(message, record)
            return _error(error.ename, error.evalue, error._render_traceback_())
        kind = RunCancelled if run.status is RunStatus.CANCELLED else RunFailed
        return _error(kind.__name__, message, [f"{kind.__name__}: {message}"])


def digest(output: Output) -> str:
    """Return a short text that tells outputs apart."""
    text = json.dumps(output, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()


def run_of(output: Output) -> tuple[str, str] | None:
    """Return run and status of the card that an output claims to be; None: it is none."""
    data = output.get("data")
    card = data.get(run_card.MIME) if isinstance(data, dict) else None
    if not isinstance(card, dict):
        return None
    return str(card.get("run_id")), str(card.get("status"))


def _last_written(line: str) -> str:
    return line[line.rfind("\r") + 1 :]


def _kept(line: str) -> str:
    """Return what a piece of a line leaves of itself, and of what may be before it."""
    body = line.rstrip("\r")
    at = body.rfind("\r")
    return line if at < 0 else line[at:]


def _display(data: dict[str, Any], metadata: dict[str, Any]) -> Output:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def _text(text: str) -> Output:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _error(ename: str, evalue: str, traceback: list[str]) -> Output:
    return {"output_type": "error", "ename": ename, "evalue": evalue, "traceback": traceback}
