"""``fl.panel()`` and ``%flotilla panel``."""

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.widget import kernel
from jupyter_flotilla.widget.panel import Panel
from jupyter_flotilla.widget.wish import STATUSES, Wish


def panel(
    *, status: str = "all", tag: str | None = None, only_this_notebook: bool = False
) -> Panel:
    """Return a live panel of runs, to be the last line of a cell.

    It shows status, progress, memory and cost, and cancels and retries. It needs no server
    extension, only widgets: ``jupyter_flotilla[panel]``. Where there are none it is a table.

    Parameters
    ----------
    status
        ``all``, ``active`` or one status, in any case.
    tag
        ``'team'`` or ``'team=forecast'``.
    only_this_notebook
        Whether only runs of the notebook that the panel is in are shown.

    Raises
    ------
    InvalidOption

    >>> fl.panel(status="active")                                # doctest: +SKIP
    """
    if status.lower() not in STATUSES:
        raise InvalidOption(
            f"there is no status {status!r}", next_step=f"use {', '.join(STATUSES)}"
        )
    notebook = kernel.current_origin().notebook
    if only_this_notebook and notebook is None:
        raise InvalidOption(
            "only_this_notebook: this frontend does not say which notebook it is",
            next_step="filter by a tag, or by the name of the run",
        )
    return Panel(
        Wish(
            status=status.lower(),
            tag=tag or "",
            only_this_notebook=only_this_notebook,
            notebook=notebook,
        )
    )
