"""What a task has printed, from CloudWatch: where its stream in S3 has nothing.

That is before the runner is there, or where it never came to be. All tails of a process share one
budget of calls (`throttle`): GetLogEvents is scarce, and people who look at the console want some.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.definition import CONTAINER, LOG_PREFIX

#: Lines may come so many seconds after a task has stopped.
_SETTLED_S = 10.0
#: Of one look; what is left comes with the next one.
_MOST_PAGES = 20
#: For the end of a stream: empty pages on the way to it are no reason to stop.
_MOST_PAGES_BACK = 5
_NO_STREAM = "ResourceNotFoundException"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, and when it was printed."""

    at: datetime
    text: str


def stream_name(task_arn: str) -> str:
    """Return the name of the log stream of a task's container.

    >>> stream_name("arn:aws:ecs:us-east-1:123456789012:task/flotilla/0123abcd")
    'flotilla/job/0123abcd'
    """
    return f"{LOG_PREFIX}/{CONTAINER}/{task_arn.rpartition('/')[2]}"


class LogTail:
    """The lines of one task, each once, in order."""

    def __init__(self, aws: Account, group: str, task_arn: str) -> None:
        self._aws = aws
        self._where: dict[str, Any] = {
            "logGroupName": group,
            "logStreamName": stream_name(task_arn),
        }
        self._token: str | None = None
        #: When the end was first reached, with nothing after it since; None: it was not.
        self._ended_at: float | None = None
        #: True where nothing can come any more.
        self.is_drained = False

    def read(self, at_s: float, *, is_stopped: bool, wait_s: float = 5.0) -> list[LogLine]:
        """Return the lines that have come since the last look.

        Parameters
        ----------
        at_s
            Now, in seconds of a clock that never goes back.
        is_stopped
            Whether the task has ended: when nothing has come for 10 s after that, it is drained.
        wait_s
            The longest to wait for a turn.

        Raises
        ------
        AwsError
            If nothing could be read; what was read before that is kept.
        """
        lines: list[LogLine] = []
        is_end = False
        for _ in range(_MOST_PAGES):
            try:
                page, is_end = self._page(wait_s)
            except AwsError:
                if lines:
                    break  # the next look goes on where this one has ended
                raise
            lines += page
            if is_end:
                break
        self._note_end(at_s, is_end=is_end and is_stopped, has_lines=bool(lines))
        return lines

    def _page(self, wait_s: float) -> tuple[list[LogLine], bool]:
        """Return a page, and whether it was the last one for now: its token is the one before."""
        token: dict[str, Any] = {} if self._token is None else {"nextToken": self._token}
        try:
            answer = self._aws.call(
                "logs", "GetLogEvents", wait_s=wait_s, startFromHead=True, **self._where, **token
            )
        except AwsError as error:
            if error.aws_code == _NO_STREAM:
                return [], True  # it has printed nothing yet
            raise
        following = answer.get("nextForwardToken")
        is_end = following is None or following == self._token
        self._token = following or self._token
        return _lines(answer), is_end

    def _note_end(self, at_s: float, *, is_end: bool, has_lines: bool) -> None:
        if not is_end:
            self._ended_at = None
        elif self._ended_at is None or has_lines:
            self._ended_at = at_s
        elif at_s - self._ended_at >= _SETTLED_S:
            self.is_drained = True


def last_lines(aws: Account, group: str, task_arn: str, count: int = 20) -> list[LogLine]:
    """Return the last lines that a task has printed so far: why it ended, as far as it says.

    Raises
    ------
    AwsError
    """
    token: str | None = None
    for _ in range(_MOST_PAGES_BACK):
        more: dict[str, Any] = {} if token is None else {"nextToken": token}
        try:
            answer = aws.call(
                "logs", "GetLogEvents", startFromHead=False, limit=count,
                logGroupName=group, logStreamName=stream_name(task_arn), **more,
            )  # fmt: skip
        except AwsError as error:
            if error.aws_code == _NO_STREAM:
                return []
            raise
        earlier = answer.get("nextBackwardToken")
        if answer.get("events") or earlier is None or earlier == token:
            return _lines(answer)[-count:]
        token = earlier
    return []


def _lines(answer: dict[str, Any]) -> list[LogLine]:
    return [
        LogLine(datetime.fromtimestamp(one["timestamp"] / 1000, UTC), one["message"])
        for one in answer.get("events") or ()
    ]
