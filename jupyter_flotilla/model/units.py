"""Sizes, durations and money as people write them.

Units are mandatory: ``16`` may mean MiB to one reader and GiB to the next, and the mistake is
found an hour later. Memory is counted in MiB, time in seconds, money in US dollars.
"""

import math
import re
from decimal import Decimal

from jupyter_flotilla.errors import InvalidOption

_NUMBER = r"(?P<number>\d{1,15}(?:\.\d{1,15})?)"
_SIZE = re.compile(_NUMBER + r"\s*(?P<unit>[kmgt])(?:i?b)?", re.IGNORECASE | re.ASCII)
_MIB = {"k": 2**-10, "m": 1.0, "g": 2.0**10, "t": 2.0**20}
_DURATION_PART = re.compile(_NUMBER + r"\s*(?P<unit>ms|[smhd])", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(r"(?:\d{1,15}(?:\.\d{1,15})?\s*(?:ms|[smhd])\s*)+", re.IGNORECASE | re.ASCII)
#: Decimal: 1.1 hours are 3960 seconds, not a binary fraction more, which would be rounded up.
_SECONDS = {unit: Decimal(s) for unit, s in
            {"ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400"}.items()}  # fmt: skip
#: Beyond these nothing can be meant; they also keep integers inside every database.
_MAX_MIB = 2**40
_MAX_S = 10 * 366 * 86400


def parse_size(text: str) -> int:
    """Return a size in MiB, rounded up.

    ``16G``, ``16GB``, ``16GiB`` and ``16g`` are the same: cloud sizes are powers of two.

    >>> parse_size("1.5G")
    1536

    Raises
    ------
    InvalidOption
        Without a unit, with one that does not exist, for zero and for the absurd.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InvalidOption(
            f"{text!r} is not a size",
            next_step=f"write a number with its unit: {_with_unit(text, 'G')} or 512M",
        )
    mib = math.ceil(float(match["number"]) * _MIB[match["unit"].lower()])
    if not 1 <= mib <= _MAX_MIB:
        raise InvalidOption(f"{text!r} is out of range", next_step="write a size such as 16G")
    return mib


def parse_duration(text: str) -> int:
    """Return a duration in whole seconds, rounded up.

    >>> parse_duration("1h30m")
    5400

    Raises
    ------
    InvalidOption
        Without a unit, with one that does not exist, for zero and for the absurd.
    """
    text = str(text)
    if _DURATION.fullmatch(text.strip()) is None:
        raise InvalidOption(
            f"{text!r} is not a duration",
            next_step=f"write a number with its unit: {_with_unit(text, 'm')}, 90s, 2h or 1h30m",
        )
    parts = _DURATION_PART.finditer(text)
    seconds = math.ceil(sum(Decimal(p["number"]) * _SECONDS[p["unit"].lower()] for p in parts))
    if not 1 <= seconds <= _MAX_S:
        raise InvalidOption(f"{text!r} is out of range", next_step="write a duration such as 2h")
    return seconds


def parse_money(text: str) -> float:
    """Return an amount in US dollars.

    >>> parse_money("$2.50")
    2.5

    Raises
    ------
    InvalidOption
        If it is not a positive number of dollars.
    """
    try:
        amount = float(text.strip().removeprefix("$"))
    except ValueError:
        amount = math.nan
    if not 0 < amount < 1e9:
        raise InvalidOption(
            f"{text!r} is not an amount of money", next_step="write US dollars: 2.50"
        )
    return amount


def format_bytes(count: float) -> str:
    """Return bytes for people, in decimal units as files have them.

    >>> format_bytes(18), format_bytes(2035), format_bytes(83_400_000)
    ('18 B', '2 kB', '83 MB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            shown = count / size
            return f"{shown:.0f} {unit}" if shown >= 2 else f"{shown:.1f} {unit}"
    return f"{count:.0f} B"


def format_size(mib: float) -> str:
    """Return a size for people.

    >>> format_size(1536), format_size(300)
    ('1.5 G', '300 M')
    """
    if mib < 1000:
        return f"{mib:.0f} M"
    return f"{mib / 1024:.1f}".removesuffix(".0") + " G"


def size_option(mib: int) -> str:
    """Return a size as it is written in an option: exactly, and without a space.

    >>> size_option(32 * 1024), size_option(1536)
    ('32G', '1536M')
    """
    return f"{mib // 1024}G" if mib % 1024 == 0 else f"{mib}M"


def format_duration(seconds: float) -> str:
    """Return a duration for people, two units at most.

    >>> format_duration(0.3), format_duration(151), format_duration(7260), format_duration(600)
    ('0.3s', '2m31s', '2h01m', '10m')
    """
    if seconds < 10:
        return f"{seconds:.1f}s".replace(".0s", "s")
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        text = f"{whole // 60}m{whole % 60:02}s"
    elif whole < 86400:
        text = f"{whole // 3600}h{whole % 3600 // 60:02}m"
    else:
        text = f"{whole // 86400}d{whole % 86400 // 3600:02}h"
    return re.sub(r"00[smh]$", "", text)


def format_money(usd: float) -> str:
    """Return an amount for people: two significant digits, and never a false zero.

    >>> format_money(0), format_money(0.00123), format_money(0.5), format_money(12.345)
    ('$0.00', '$0.0012', '$0.50', '$12.35')
    """
    if 0 < usd < 0.0001:
        return "<$0.0001"
    if 0 < usd < 0.1:
        usd = float(f"{usd:.1e}")  # first to two digits: 0.0999 is 0.10
    if usd == 0 or usd >= 0.1:
        return f"${usd:,.2f}"
    return f"${usd:.{1 - math.floor(math.log10(usd))}f}"


def _with_unit(text: str, unit: str) -> str:
    """Guess what was meant, for the error's example."""
    number = re.match(r"\s*(\d+(?:\.\d+)?)", text)
    return f"{number[1]}{unit}" if number else f"16{unit}"
