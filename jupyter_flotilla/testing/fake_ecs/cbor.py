"""CBOR (RFC 8949), as much of it as botocore and CloudWatch say to each other.

Times are tag 1 around seconds since 1970; here they are plain floats, and a float under a key
that names a time is written as one.
"""

import struct
from typing import Any

_TIME_KEYS = ("Timestamp", "Timestamps")
#: What the low bits of a head say: how many bytes of length or value follow.
_FOLLOWING = {24: 1, 25: 2, 26: 4, 27: 8}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_BREAK = 0xFF


def dumps(value: Any, *, is_time: bool = False) -> bytes:
    """Return a value as CBOR."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if is_time and isinstance(value, int | float):
        return b"\xc1" + dumps(float(value))
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return _head(3, len(data)) + data
    if isinstance(value, dict):
        pairs = (dumps(key) + dumps(one, is_time=key in _TIME_KEYS) for key, one in value.items())
        return _head(5, len(value)) + b"".join(pairs)
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(dumps(one, is_time=is_time) for one in value)
    if value is None:
        return b"\xf6"
    raise TypeError(f"no CBOR for {type(value).__name__}")


def loads(data: bytes) -> Any:
    """Return the value of one CBOR item."""
    return _Reader(data).item()


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for low, size in _FOLLOWING.items():
        if number < 1 << (8 * size):
            return bytes([major << 5 | low]) + number.to_bytes(size, "big")
    raise OverflowError(number)


class _Reader:
    """Reads items one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def item(self) -> Any:
        head = self._take(1)[0]
        major, low = head >> 5, head & 31
        if major == 7:
            return self._simple(low)
        number = self._number(low)
        if major == 0:
            return number
        if major == 1:
            return -1 - (number or 0)
        if major == 6:
            return self.item()
        if major in (2, 3):
            data = self._take(number or 0)
            return data.decode() if major == 3 else data
        if major == 4:
            return list(self._items(number))
        return {key: self.item() for key in self._items(number)}

    def _items(self, count: int | None) -> Any:
        """Yield items: so many, or up to a break."""
        while count is None or count > 0:
            if count is None and self._data[self._at] == _BREAK:
                self._at += 1
                return
            yield self.item()
            count = None if count is None else count - 1

    def _simple(self, low: int) -> Any:
        if low in _FLOATS:
            form, size = _FLOATS[low]
            return struct.unpack(form, self._take(size))[0]
        return _SIMPLE[low]

    def _number(self, low: int) -> int | None:
        """Return the number of a head; None: an indefinite length."""
        if low < 24:
            return low
        if low == 31:
            return None
        return int.from_bytes(self._take(_FOLLOWING[low]), "big")

    def _take(self, size: int) -> bytes:
        data = self._data[self._at : self._at + size]
        self._at += size
        return data
