"""Who gets a mail from AWS when a schedule's run fails in the cloud, and what to say of that."""

import re
from collections.abc import Iterable, Sequence

from jupyter_flotilla.errors import InvalidOption

#: In place of an address: nobody.
NOBODY = "none"
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def chosen(given: Sequence[str], before: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses that there are to be: those of before, and those that are given now.

    Parameters
    ----------
    given
        Addresses, or `NOBODY` alone: those of before are forgotten.

    Raises
    ------
    InvalidOption
        If one of them is no address.
    """
    if list(given) == [NOBODY]:
        return ()
    for address in given:
        if not _ADDRESS.fullmatch(address):
            raise InvalidOption(
                f"--alert {address!r} is no e-mail address",
                next_step=f"--alert you@example.org, for each of them; or --alert {NOBODY} alone, "
                "for nobody",
            )
    return tuple(sorted({*before, *given}))


def words(addresses: Sequence[str]) -> str:
    """Return who is told, or how to be, in one line."""
    if not addresses:
        return (
            "nobody gets a mail when a schedule's run fails in the cloud: --alert you@example.org "
            "subscribes, and AWS asks you by mail to confirm"
        )
    return (
        f"{', '.join(addresses)}: AWS mails when a schedule's run fails in the cloud, once its "
        "first mail, which asks for it, is confirmed"
    )
