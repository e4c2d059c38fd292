"""What a panel shows at first, and what can be chosen."""

from dataclasses import dataclass

from jupyter_flotilla.model.run import OPEN_STATUSES, RunStatus

#: What can be chosen as status, and what it means.
STATUSES: dict[str, tuple[RunStatus, ...]] = {
    "all": (),
    "active": tuple(OPEN_STATUSES),
    **{status.value.lower(): (status,) for status in RunStatus},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a panel shows at first."""

    #: One of `STATUSES`.
    status: str = "all"
    #: ``team`` or ``team=forecast``; empty: any.
    tag: str = ""
    only_this_notebook: bool = False
    #: Absolute path of the notebook that the panel is in; None: nobody says.
    notebook: str | None = None
