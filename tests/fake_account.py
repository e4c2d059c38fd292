"""Stands in for `engines.ecs.account.Account`: answers by action, and what was asked."""

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_flotilla.engines.ecs.account import AwsError, Identity

#: An answer, an error to raise, or what makes one from the request.
Answer = Mapping[str, Any] | Exception | Callable[..., Any]


def refused(action: str, code: str, message: str) -> AwsError:
    """Return AWS's refusal of something."""
    return AwsError(
        f"AWS refuses {action}: {message} ({code})", kind="refused", action=action,
        aws_code=code, aws_message=message,
    )  # fmt: skip


def denied(action: str) -> AwsError:
    """Return what AWS says of an action that is not allowed."""
    return AwsError(
        f"profile 'default' may not {action}", kind="permission", action=action,
        aws_code="AccessDenied", next_step=f"have {action} allowed",
    )  # fmt: skip


class FakeAccount:
    """An account of AWS that says what it is told to.

    Parameters
    ----------
    answers
        By action (``ecs:ListTasks``); of a list one after the other, and the last for ever.
    """

    def __init__(self, region: str = "eu-west-1", **answers: Answer | list[Answer]) -> None:
        self.region = region
        self.answers: dict[str, Answer | list[Answer]] = answers
        #: (action, request) of every call.
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.who: Identity | Exception = Identity(
            account="123456789012", arn="arn:aws:iam::123456789012:user/ada"
        )

    def answer(self, action: str, *answers: Answer) -> "FakeAccount":
        """Set what an action answers."""
        self.answers[action] = list(answers)
        return self

    def identity(self) -> Identity:
        """Return who asks, or raise what stands there."""
        if isinstance(self.who, Exception):
            raise self.who
        return self.who

    def call(self, service: str, action: str, /, **request: Any) -> Any:
        """Answer as it was told to."""
        name = f"{service}:{action}"
        request.pop("wait_s", None)
        self.asked.append((name, request))
        if name not in self.answers:
            raise AssertionError(f"nothing is said of {name} {request}")
        answer = self.answers[name]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(**request) if callable(answer) else answer

    def names(self) -> list[str]:
        """Return the actions that were asked for, in order."""
        return [name for name, _ in self.asked]
