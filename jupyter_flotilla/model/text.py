"""Text of jobs, as far as it may reach a terminal or a line of ours."""

import re

#: Control sequences (ECMA-48): OSC, DCS and the like with their content; CSI; other escapes.
_STRINGS = r"\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
_OTHER = r"\x1b[ -/]*[0-~]"
_SEQUENCES = re.compile(f"{_STRINGS}|{_CSI}|{_OTHER}", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Return text without control sequences and characters; line breaks and tabs stay.

    >>> plain("\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07ok")
    'red ok'
    """
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))


def printable(text: str) -> str:
    """Return text with a space for each character that cannot be printed, line breaks included.

    >>> printable("a\\x07b\\nc")
    'a b c'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def colours_only(text: str) -> str:
    """Return text whose only control sequences are colours (SGR).

    >>> colours_only("\\x1b[2J\\x1b[31mred")
    '\\x1b[31mred'
    """
    kept = _SEQUENCES.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", text)
    return kept
