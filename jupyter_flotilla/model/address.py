"""Addresses of repositories: what of one may be kept, and what may be shown."""

import re

#: User info with a password in it; git takes no ``/`` there.
_PASSWORD = re.compile(r"://([^/\s:@]*):[^/\s]*@")
#: Over HTTP a user alone may be a token.
_TOKEN = re.compile(r"(https?://)[^/\s@]+@", re.IGNORECASE)


def has_password(text: str) -> bool:
    """Say whether an address has a password in it.

    >>> has_password("https://ana:secret@example.org/x.git@main")
    True
    >>> has_password("ssh://git@example.org:22/x.git@main")
    False
    """
    return _PASSWORD.search(text) is not None


def masked(text: str) -> str:
    """Return a text with what may be a secret in its addresses left out.

    >>> masked("https://ana:secret@example.org/x.git is away")
    'https://***@example.org/x.git is away'
    >>> masked("git@example.org:x.git, ssh://git@example.org/x.git")
    'git@example.org:x.git, ssh://git@example.org/x.git'
    """
    return _TOKEN.sub(r"\1***@", _PASSWORD.sub(r"://\1:***@", text))
