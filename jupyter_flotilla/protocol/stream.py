"""What a job says while it runs: numbered records in segments, written once, read by anybody."""

import hashlib
import json
import os
import re
import threading
import time
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .files import open_private
from .masking import Mask
from .names import BLOBS, STREAM

#: A larger record lies in a blob of its own; text is cut into records of this size.
BLOB_BYTES = 64 * 1024
#: Characters of text in one record: a control character takes six bytes in JSON.
_PIECE = BLOB_BYTES // 8
#: A segment of the stream is closed when it has grown to this.
SEGMENT_BYTES = 1024 * 1024
_SURROGATES = re.compile("[\ud800-\udfff]")
#: Those that are no byte of `surrogateescape`.
_HALF_PAIRS = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class StreamWriter:
    """Writes what a job says, as numbered records in segments.

    A record is a JSON object on a line of its own with ``seq`` (from 1, without gaps), ``at``
    (Unix seconds), ``kind`` and what the kind needs:

    ======== ================================================================
    stdout   ``text``
    stderr   ``text``
    display  ``data``, ``metadata`` (MIME bundle), ``display_id`` or null
    update   the same: replaces the display of that ``display_id``
    result   the same: value of the last expression
    error    ``ename``, ``evalue``, ``traceback`` (list of lines, with ANSI colours)
    clear    ``wait``: clear this cell's output, at once or at the next
    cell     ``cell`` begins, of ``total``
    progress ``done``, ``total`` or null, ``message``: what the user's code says
    metric   ``name``, ``value`` or null (no number), ``step`` or null
    ======== ================================================================

    All but ``progress`` and ``metric`` carry ``cell``, the index of the notebook cell, or null.

    Values of ``secrets`` are masked as `masking.Mask` says, also where they are written in pieces.
    Safe from several threads. A full disk loses records, never the job; how many is said by the
    next record that can be written.
    """

    def __init__(self, folder: str, secrets: Sequence[str] = ()) -> None:
        self._folder = os.path.join(folder, STREAM)
        self._blobs = os.path.join(folder, BLOBS)
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        os.makedirs(self._blobs, mode=0o700, exist_ok=True)
        self._mask = Mask(secrets)
        #: Kind → cell and end of its text that may be the beginning of a secret.
        self._held: Dict[str, Tuple[Optional[int], str]] = {}
        self._lock = threading.Lock()
        self._seq = 0
        self._segment = 0
        self._file: Optional[Any] = None
        self._lost = 0

    @classmethod
    def resumed(cls, folder: str) -> "StreamWriter":
        """Return a writer for what is still to be said when a stream's own writer is gone."""
        writer, reader = cls(folder), StreamReader(folder)
        segments = reader._segments()
        writer._segment = int(segments[-1].partition(".")[0]) if segments else 0
        for records in reader.backwards():
            writer._seq = int(records[-1]["seq"])
            break
        return writer

    def text(self, kind: str, text: str, cell: Optional[int] = None) -> str:
        """Write text of ``stdout`` or ``stderr``, in pieces that need no blob.

        Bytes that are no UTF-8 may be in it as `surrogateescape` decodes them.

        Returns
        -------
        The text as it was written: without secrets, and without an end that may be the beginning
        of one. That comes with the next text, or with ``settle``.
        """
        held_cell, held = self._held.pop(kind, (cell, ""))
        if held_cell != cell:
            self._pieces(kind, held, held_cell)
            held = ""
        text, rest = self._mask.split(held + text)
        if rest:
            self._held[kind] = (cell, rest)
        self._pieces(kind, text, cell)
        return text

    def settle(self) -> List[Tuple[str, str]]:
        """Write what was held back, and return it as (kind, text)."""
        held = [(kind, cell, text) for kind, (cell, text) in self._held.items()]
        self._held.clear()
        for kind, cell, text in held:
            self._pieces(kind, text, cell)
        return [(kind, text) for kind, _, text in held]

    def _pieces(self, kind: str, text: str, cell: Optional[int]) -> None:
        for start in range(0, len(text), _PIECE):
            body = {"text": text[start : start + _PIECE]}
            try:
                payload = json.dumps(body, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                payload = json.dumps(body).encode()  # bytes that are no UTF-8, kept as they are
            self._write_payload(kind, payload, cell)

    def mask(self, value: Any) -> Any:
        """Return a JSON value without the secrets in it."""
        return self._mask.value(value)

    def write(self, kind: str, body: Dict[str, Any], cell: Optional[int] = None) -> None:
        """Write one record, flushed to the operating system."""
        masked = {key: self.mask(value) for key, value in body.items()}
        # Half of a UTF-16 pair, as kernels may send it, is no text that anybody could print.
        payload = json.dumps(masked, ensure_ascii=False).encode("utf-8", "replace")
        self._write_payload(kind, payload, cell)

    def _write_payload(self, kind: str, payload: bytes, cell: Optional[int]) -> None:
        with self._lock:
            try:
                self._write(kind, payload, cell)
            except OSError as error:
                self._lost += 1
                self._reason = error.strerror or str(error)

    def close(self) -> None:
        """Write what was held back, and close the open segment."""
        self.settle()
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, kind: str, payload: bytes, cell: Optional[int]) -> None:
        if self._lost:
            lost, self._lost = self._lost, 0
            text = "[flotilla: %d records were lost: %s]\n" % (lost, self._reason)
            try:
                self._append("stderr", json.dumps({"text": text}).encode(), cell)
            except OSError:
                self._lost = lost
                raise
        if len(payload) > BLOB_BYTES:
            payload = json.dumps({"blob": self._blob(payload)}).encode()
        self._append(kind, payload, cell)

    def _append(self, kind: str, payload: bytes, cell: Optional[int]) -> None:
        head = {"seq": self._seq + 1, "at": round(time.time(), 3), "kind": kind, "cell": cell}
        rest = b", " + payload[1:] if payload != b"{}" else b"}"
        line = json.dumps(head)[:-1].encode() + rest + b"\n"
        if self._file is None or self._file.tell() > SEGMENT_BYTES:
            self._next_segment()
        assert self._file is not None
        start = self._file.tell()
        try:
            _write_all(self._file, line)
        except OSError:
            self._file.truncate(start)  # half a line must not glue itself to the next
            self._file.seek(start)
            raise
        self._seq += 1

    def _next_segment(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        path = os.path.join(self._folder, "%06d.jsonl" % (self._segment + 1))
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(fd, "wb", buffering=0)
        self._segment += 1

    def _blob(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        path = os.path.join(self._blobs, name)
        if not os.path.exists(path):
            with open_private(path + ".part") as file:
                file.write(content)
            os.replace(path + ".part", path)
        return name


def _write_all(file: Any, content: bytes) -> None:
    """Write to an unbuffered file; it may take less than all when the disk is nearly full."""
    while content:
        content = content[file.write(content) :]


def _record(line: bytes) -> Optional[Dict[str, Any]]:
    """Return a record, or None for a line that is none: files of a home can be damaged."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    is_one = isinstance(record, dict) and isinstance(record.get("seq"), int)
    return record if is_one and isinstance(record.get("kind"), str) else None


class StreamReader:
    """Reads an attempt's stream from any process, from any record on, while it is written.

    Parameters
    ----------
    folder
        The attempt's folder.
    after
        Cursor: ``seq`` of the last record already seen; 0 for the beginning.
    """

    def __init__(self, folder: str, after: int = 0) -> None:
        self._folder = os.path.join(folder, STREAM)
        self._blobs = os.path.join(folder, BLOBS)
        self.after = after
        self._segment: Optional[str] = None
        self._offset = 0

    def read(self) -> Iterator[Dict[str, Any]]:
        """Yield the records that are there and not yet read, in order.

        Whoever deletes the folder meanwhile ends the reading: there is nothing more to come.
        """
        try:
            segments = self._segments()
            if self._segment is None:
                self._segment = self._find(segments)
            if self._segment is None or self._segment not in segments:
                return
            for name in segments[segments.index(self._segment) :]:
                if name != self._segment:
                    self._segment, self._offset = name, 0
                for record in self._read_segment(name):
                    self.after = record["seq"]
                    yield self._whole(record)
        except FileNotFoundError:
            return

    def backwards(self, before: int = 0) -> Iterator[List[Dict[str, Any]]]:
        """Yield the records of each segment in order, the last segment first.

        For the end of a long stream: what comes before it is not read.

        Parameters
        ----------
        before
            Only records that come before this one; 0: all.
        """
        segments = self._segments()
        if before:
            self.after = before - 1
            last = self._find(segments)
            segments = segments[: segments.index(last) + 1] if last is not None else []
        for name in reversed(segments):
            self._segment, self._offset, self.after = name, 0, 0
            try:
                records = [
                    self._whole(record)
                    for record in self._read_segment(name)
                    if not before or record["seq"] < before
                ]
            except FileNotFoundError:
                return  # deleted meanwhile, with all that belongs to the run
            if records:
                yield records

    def tail(self, lines: int, characters: Optional[int] = None) -> str:
        """Return at least so many lines from the end of the text, or all there are.

        No more segments are read once there are so many ``characters``, whole lines or not.
        Afterwards the cursor is at the end of what was returned.
        """
        blocks: List[str] = []
        newlines = size = end = 0
        for records in self.backwards():
            end = end or records[-1]["seq"]
            blocks.append("".join(map(record_text, records)))
            newlines += blocks[-1].count("\n")
            size += len(blocks[-1])
            if newlines > lines or (characters is not None and size > characters):
                break
        self._segment, self._offset, self.after = None, 0, end
        return "".join(reversed(blocks))

    def _read_segment(self, name: str) -> Iterator[Dict[str, Any]]:
        with open(os.path.join(self._folder, name), "rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # being written, or torn by a crash
                self._offset += len(line)
                record = _record(line)
                if record is not None and record["seq"] > self.after:
                    yield record

    def _segments(self) -> List[str]:
        try:
            return sorted(n for n in os.listdir(self._folder) if n.endswith(".jsonl"))
        except FileNotFoundError:
            return []

    def _find(self, segments: List[str]) -> Optional[str]:
        """Return the last segment that begins at or before the cursor."""
        low, high = 0, len(segments)
        while high - low > 1:
            middle = (low + high) // 2
            with open(os.path.join(self._folder, segments[middle]), "rb") as file:
                line = file.readline()
            record = _record(line) if line.endswith(b"\n") else None
            first = self.after + 2 if record is None else record["seq"]
            low, high = (middle, high) if first <= self.after + 1 else (low, middle)
        return segments[low] if segments else None

    def _whole(self, record: Dict[str, Any]) -> Dict[str, Any]:
        name = record.pop("blob", None)
        if name is not None:
            try:
                with open(os.path.join(self._blobs, os.path.basename(str(name))), "rb") as file:
                    record.update(json.loads(file.read()))
            except (OSError, ValueError, TypeError) as error:
                record.update(kind="stderr", text="[flotilla: a record is lost: %s]\n" % error)
        return record


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """Return what a command wrote, byte for byte; of other records their text."""
    if record["kind"] not in ("stdout", "stderr"):
        return record_text(record).encode("utf-8", "replace")
    text = _HALF_PAIRS.sub("\ufffd", str(record["text"]))
    return text.encode("utf-8", "surrogateescape")


def record_text(record: Mapping[str, Any]) -> str:
    """Return the text of one record, as a log shows it; empty for what is no text."""
    kind = record["kind"]
    if kind in ("stdout", "stderr"):
        return _SURROGATES.sub("\ufffd", str(record["text"]))
    if kind == "error":
        lines = record["traceback"] or ["%s: %s" % (record["ename"], record["evalue"])]
        return "\n".join(lines) + "\n"
    if kind in ("display", "result"):
        text = record["data"].get("text/plain", "")
        text = "".join(text) if isinstance(text, list) else str(text)
        return text + "\n" if text else ""
    return ""
