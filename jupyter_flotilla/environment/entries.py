"""What people write after ``--deps`` and ``--with``; each package is a requirement of PEP 508.

Whatever becomes a requirement, also from files and metadata, passes `checked`: text that reaches
uv must not be able to say anything else (``--index-url``), nor hold a password.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, cast

from packaging.requirements import InvalidRequirement, Requirement

from jupyter_flotilla.errors import InvalidOption

Mode = Literal["auto", "lock", "freeze", "none", "file", "list"]

_WORDS = ("auto", "lock", "freeze", "none")
_FILE = re.compile(r"[^@]*[/\\].*|.*\.(txt|in|toml|lock)")
_LONGEST = 1_000
_SCHEMES = ("https://", "http://", "git+https://", "git+http://", "git+ssh://")
_USER_OF_URL = re.compile(r"^(?P<scheme>[a-z+]+)://(?P<user>[^/?#]*)@", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deps:
    """What ``--deps`` says."""

    mode: Mode
    #: Path as it was written, for ``file``.
    file: str | None = None
    #: Requirements, for ``list``.
    listed: tuple[str, ...] = ()


def read_deps(text: str) -> Deps:
    """Return what ``auto|lock|freeze|none|FILE|pkg,…`` means.

    A text with a slash, or that ends as requirement files do, is a file. Touches no disk.

    Raises
    ------
    InvalidOption
        For what is neither a word, nor a file, nor packages.

    Examples
    --------
    >>> read_deps("auto").mode, read_deps("requirements.txt").mode
    ('auto', 'file')
    >>> read_deps("pandas[excel]>=2,<3,polars").listed
    ('pandas[excel]<3,>=2', 'polars')
    """
    text = text.strip()
    if text in _WORDS:
        return Deps(mode=cast(Mode, text))
    if len(text) <= _LONGEST and text.isprintable() and "://" not in text and _FILE.fullmatch(text):
        return Deps(mode="file", file=text)
    listed = read_with(text, flag="--deps")
    if not listed:
        raise InvalidOption("--deps is empty", next_step="--deps auto, or none, or pandas,polars")
    return Deps(mode="list", listed=listed)


def read_with(texts: str | Iterable[str], *, flag: str = "--with") -> tuple[str, ...]:
    """Return the requirements in texts, each of which may hold several, divided by commas.

    Raises
    ------
    InvalidOption
        For one that is no requirement, has a password in its URL or is a path of this machine.
    """
    texts = [texts] if isinstance(texts, str) else texts
    parts = [part.strip() for text in texts for part in _divided(str(text))]
    return tuple(dict.fromkeys(checked(part, flag) for part in parts if part))


def checked(entry: str, source: str) -> str:
    """Return a requirement in its usual spelling.

    Parameters
    ----------
    source
        Who says so, for the message: ``--with``, or a file's name.

    Raises
    ------
    InvalidOption
    """
    entry = entry.strip()
    # A marker's quotes and a URL may hold line breaks, which would begin a line of options.
    if not entry.isprintable() or len(entry) > _LONGEST:
        raise _no_requirement(entry, source)
    try:
        requirement = Requirement(entry)
    except InvalidRequirement:
        raise _no_requirement(entry, source) from None  # it repeats the text, password and all
    if requirement.url is not None:
        _check_url(requirement.name, requirement.url, source)
    return str(requirement)


def names_a_user(url: str) -> bool:
    """Say whether a URL has a user that may be a credential; ``git@`` of ssh is none."""
    match = _USER_OF_URL.match(url)
    if match is None:
        return False
    return not (match["scheme"].lower().endswith("ssh") and ":" not in match["user"])


def _check_url(name: str, url: str, source: str) -> None:
    if names_a_user(url):
        raise InvalidOption(
            f"{source}: the address of {name} has a user or password in it, and it would be stored",
            next_step="take it out, and let git's credential helper, netrc or keyring know it",
        )
    if not url.lower().startswith(_SCHEMES):
        raise InvalidOption(
            f"{source}: {name} is on this machine ({url.partition(':')[0]}:…), which a job cannot "
            "see",
            next_step="give its folder of wheels as UV_FIND_LINKS; or install it with pip -e, and "
            "its source travels",
        )


def _no_requirement(entry: str, source: str) -> InvalidOption:
    shown = entry if len(entry) <= 60 else entry[:57] + "…"
    if re.search(r"://[^/\s]*@", entry):
        shown = "it"  # what has a password in it is not repeated
    return InvalidOption(
        f"{source}: {shown!r} is no package requirement"
        + (" (options of pip are not taken)" if entry.startswith("-") else ""),
        next_step="a name and perhaps a version, e.g. polars, 'pandas>=2,<3' or 'dask[array]'",
    )


def _divided(text: str) -> Iterator[str]:
    """Yield parts between commas, except those in brackets, quotes and before an operator."""
    start, depth, quote = 0, 0, ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        elif character == "," and depth <= 0 and not re.match(r"\s*[<>=!~]", text[at + 1 :]):
            yield text[start:at]
            start = at + 1
    yield text[start:]
