"""What a check of doctor's says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jupyter_flotilla.engines.ecs.account import AwsError


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    ok: bool
    message: str
    next_step: str | None = None
    #: True where all that is usual works without it.
    is_optional: bool = False
    #: True where it could not be looked at: neither good nor bad.
    is_unknown: bool = False
    #: Word for what ``--fix`` would do; None: a person must.
    fix: str | None = None

    @property
    def is_bad(self) -> bool:
        """Whether something must be mended."""
        return not (self.ok or self.is_optional or self.is_unknown)


def looked(
    name: str, look: Callable[[], Iterable[Finding]], *, is_needed: bool = False
) -> list[Finding]:
    """Return what a look at AWS finds.

    Parameters
    ----------
    is_needed
        Whether jobs need what is done here: else what may not be looked at is unknown, not bad.
    """
    found: list[Finding] = []
    try:
        found.extend(look())
    except AwsError as error:
        is_unknown = error.is_passing or (error.kind == "permission" and not is_needed)
        found.append(
            Finding(
                name=name, ok=False, is_unknown=is_unknown, message=error.message,
                next_step=error.next_step,
            )
        )  # fmt: skip
    return found
