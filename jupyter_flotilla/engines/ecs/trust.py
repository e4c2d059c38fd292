"""Whether a feed of events can be relied on; told of what happens and when, it asks nobody."""

from dataclasses import dataclass, field

#: How long ago the queue may have been read to its end. A long poll that finds nothing takes 20 s.
LATELY_S = 60.0
#: How long an event may take after its change was seen. They mostly come within a second or two;
#: AWS promises nothing ("best effort").
GRACE_S = 60.0
#: For how long events must come, and every change be told, after one was not.
PROVING_S = 600.0


@dataclass(slots=True)
class Trust:
    """What speaks for a feed, and against it. Times are seconds of a clock that never goes back.

    It is relied on from the first event on, not before: a rule that is not there, or that sends
    elsewhere, is as quiet as tasks that merely run.
    """

    #: When the queue was last read to its end; None: not yet, or it is not read now.
    read_at: float | None = None
    #: Whether events have shown that they come.
    is_proven: bool = False
    #: When the first event came since they have to show it; None: none has.
    proving_since: float | None = None
    #: For how long they have to.
    must_prove_s: float = 0.0
    #: Changes that no event has told yet, oldest first: ARN → version, and since when.
    untold: dict[str, tuple[int, float]] = field(default_factory=dict)

    def holds(self, now: float) -> bool:
        """Say whether events tell of every change just now."""
        return self.is_proven and self._is_read(now)

    def read_to_end(self, now: float) -> None:
        """Take note that nothing more is in the queue."""
        if not self._is_read(now):  # what lay in it until now was no fault of the events
            self.untold = {arn: (version, now) for arn, (version, _) in self.untold.items()}
        self.read_at = now

    def told(self, arn: str, version: int, now: float, *, is_fresh: bool) -> None:
        """Take note of an event; one that is old says nothing of how they come now."""
        waiting = self.untold.get(arn)
        if waiting is not None and version >= waiting[0]:
            del self.untold[arn]
        if not is_fresh or self.is_proven:
            return
        if self.proving_since is None:
            self.proving_since = now
        if now - self.proving_since >= self.must_prove_s:
            self.is_proven, self.must_prove_s = True, 0.0

    def changed(self, arn: str, version: int, now: float) -> None:
        """Take note of a change that was seen before any event told it."""
        _, since = self.untold.get(arn, (0, now))
        self.untold[arn] = (version, since)

    def doubt_untold(self, now: float) -> str | None:
        """Give it up if a change was not told in time; return the ARN of its task."""
        arn, (_, since) = next(iter(self.untold.items()), ("", (0, now)))
        if now - since <= GRACE_S or not self._is_read(now):
            return None
        self._doubt(PROVING_S)
        return arn

    def doubt_queue(self) -> None:
        """Give it up: the queue is not there, or not to be read, and may be another one later."""
        self.read_at = None
        self._doubt(self.must_prove_s)

    def pause(self) -> None:
        """Take note that the queue is not read for a while."""
        self.read_at = None
        self.untold.clear()

    def _is_read(self, now: float) -> bool:
        return self.read_at is not None and now - self.read_at <= LATELY_S

    def _doubt(self, must_prove_s: float) -> None:
        self.is_proven, self.proving_since, self.must_prove_s = False, None, must_prove_s
        self.untold.clear()
