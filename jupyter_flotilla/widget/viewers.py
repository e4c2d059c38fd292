"""Who looks at a panel: views in browsers, which say again and again that they are seen."""

from dataclasses import dataclass

#: So long a view counts as seen after it has said so, in seconds; it says so every 10 s.
LEASE_S = 25.0
#: So long after that a view that has not said that it is out of sight is forgotten, in seconds.
_FORGOTTEN_S = 600.0


@dataclass(kw_only=True, slots=True)
class _View:
    """One place in one page where the panel is shown."""

    #: Until when it counts as seen, as of a monotonic clock; 0: it is out of sight.
    until: float = 0.0
    #: Id of the run whose detail it shows; None: it shows none.
    run_id: str | None = None


class Viewers:
    """The views of a panel. Whoever calls it holds the lock."""

    def __init__(self) -> None:
        self._views: dict[str, _View] = {}

    def see(self, name: str, now: float, *, is_seen: bool) -> None:
        """Note that a view is seen, or is out of sight."""
        # a page that is reloaded takes its views away without a word
        gone = [one for one, view in self._views.items() if 0 < view.until < now - _FORGOTTEN_S]
        for one in gone:
            del self._views[one]
        self._views.setdefault(name, _View()).until = now + LEASE_S if is_seen else 0.0

    def leave(self, name: str) -> None:
        """Forget a view that is gone."""
        self._views.pop(name, None)

    def open(self, name: str, run_id: str | None) -> None:
        """Note whose detail a view shows; None: no longer any."""
        self._views.setdefault(name, _View()).run_id = run_id

    def hold(self, now: float) -> None:
        """Take all that are seen to be seen still: a busy kernel cannot hear them."""
        for view in self._views.values():
            if view.until:
                view.until = max(view.until, now + LEASE_S)

    def is_watched(self, now: float) -> bool:
        """Say whether anybody sees the panel."""
        return any(view.until > now for view in self._views.values())

    def opened(self, now: float) -> dict[str, str]:
        """Return the run whose detail each view shows, of those that are seen."""
        return {
            name: view.run_id
            for name, view in self._views.items()
            if view.run_id is not None and view.until > now
        }
