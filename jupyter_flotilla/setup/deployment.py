"""Brings a stack to AWS and takes it away again; whoever is killed meanwhile just begins again.

CloudFormation is the only memory: each step looks at what the stack is now. Changes go through a
change set, so that what would be deleted or replaced is known, and agreed to, before.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.errors import EnvironmentProblem, Refused
from jupyter_flotilla.setup.stack.template import METADATA

#: Seconds between two looks at a stack.
_LOOK_S = 3.0
#: What a stack is when all went well.
_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
#: What it is when a change was taken back: good enough for the next one.
_CHANGEABLE = _GOOD | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
#: What is there and has nothing in it: a change set that nobody has executed.
_EMPTY = "REVIEW_IN_PROGRESS"
#: Reasons that follow from another failure.
_FOLLOWS = ("Resource creation cancelled", "Resource update cancelled")


class Deployment:
    """A stack of CloudFormation.

    Every method raises AwsError where AWS refuses or cannot be asked.

    Parameters
    ----------
    say
        Is told what happens, as it happens.
    pause
        Waits for seconds.
    """

    def __init__(
        self,
        account: Account,
        stack: str,
        say: Callable[[str], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account = account
        self._stack = stack
        self._say = say
        self._pause = pause
        #: Events that are told already.
        self._seen: set[str] = set()
        #: True from the first operation on.
        self._is_telling = False

    def status(self) -> str | None:
        """Return CloudFormation's word for what the stack is; None: there is none."""
        described = self._described()
        return None if described is None else str(described["StackStatus"])

    def remembered(self) -> Mapping[str, Any]:
        """Return what the stack keeps of earlier choices; empty: there is none yet.

        Raises
        ------
        EnvironmentProblem
            If the stack is somebody else's.
        """
        if self.status() in (None, _EMPTY):
            return {}
        body = self._call("GetTemplate", StackName=self._stack)["TemplateBody"]
        try:
            made = json.loads(body) if isinstance(body, str) else body
        except ValueError:  # YAML: no template of ours
            made = {}
        kept = made.get("Metadata", {}).get(METADATA)
        if not isinstance(kept, dict):
            raise EnvironmentProblem(
                f"the stack {self._stack!r} in {self._account.region} is none of Flotilla's",
                next_step="give another name: --stack-name",
            )
        return kept

    def outputs(self) -> Mapping[str, str]:
        """Return the stack's outputs by name; empty: there is none."""
        found = (self._described() or {}).get("Outputs", ())
        return {one["OutputKey"]: str(one["OutputValue"]) for one in found}

    def apply(
        self,
        template: Mapping[str, Any],
        tags: Mapping[str, str],
        agree: Callable[[Sequence[str]], None],
    ) -> bool:
        """Bring the stack to this template; say whether anything had to change.

        Parameters
        ----------
        agree
            Is asked about what would be deleted or replaced; raises where that is refused.

        Raises
        ------
        EnvironmentProblem
            If it failed, or the stack is in a state that cannot be changed.
        """
        status = self._settled()
        if status not in (None, _EMPTY) and status not in _CHANGEABLE:
            raise self._stuck(str(status))
        kind = "CREATE" if status in (None, _EMPTY) else "UPDATE"
        name = f"flotilla-{uuid.uuid4().hex[:12]}"
        self._call(
            "CreateChangeSet", StackName=self._stack, ChangeSetName=name, ChangeSetType=kind,
            TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )  # fmt: skip
        try:
            changes = self._changes(name)
            harsh = [words for change in changes if (words := _harsh(change))]
            if harsh:
                agree(harsh)
        except BaseException:
            self._drop(name)
            raise
        if not changes:
            self._drop(name)
            return False
        self._say(f"{len(changes)} resources to {kind.lower()} in stack {self._stack}")
        self._note_events()
        self._call("ExecuteChangeSet", StackName=self._stack, ChangeSetName=name)
        status = self._settled()
        if status not in _GOOD:
            raise self._failed(str(status))
        return True

    def delete(self) -> None:
        """Delete the stack and all in it, and wait for that.

        Raises
        ------
        EnvironmentProblem
            If something in it could not be deleted.
        """
        if self._settled() is None:
            return
        self._note_events()
        self._call("DeleteStack", StackName=self._stack)
        status = self._settled()
        if status not in (None, "DELETE_COMPLETE"):
            raise self._failed(str(status))

    def _settled(self) -> str | None:
        """Wait until nothing is going on, telling what does; return what the stack is then."""
        is_waiting = False
        while True:
            status = self.status()
            if status is None or status == _EMPTY or not status.endswith("_IN_PROGRESS"):
                if status is not None and self._is_telling:
                    self._tell_events()
                return status
            if not is_waiting and not self._is_telling:
                self._say(f"stack {self._stack} is in {status}: waiting for that")
                self._note_events()
            is_waiting = True
            self._tell_events()
            self._pause(_LOOK_S)

    def _changes(self, name: str) -> list[Mapping[str, Any]]:
        """Return what a change set would do, once that is known; empty: nothing."""
        request = {"StackName": self._stack, "ChangeSetName": name}
        while True:
            found = self._call("DescribeChangeSet", **request)
            if found["Status"] == "FAILED":
                reason = str(found.get("StatusReason", ""))
                if "didn't contain changes" in reason or "No updates" in reason:
                    return []
                raise EnvironmentProblem(
                    f"CloudFormation refuses the template: {reason}", next_step=_step_for(reason)
                )
            if found["Status"] == "CREATE_COMPLETE":
                break
            self._pause(1.0)
        changes = list(found["Changes"])
        while found.get("NextToken"):
            found = self._call("DescribeChangeSet", **request, NextToken=found["NextToken"])
            changes += found["Changes"]
        return [change["ResourceChange"] for change in changes]

    def _drop(self, name: str) -> None:
        self._call("DeleteChangeSet", StackName=self._stack, ChangeSetName=name)

    def _stuck(self, status: str) -> EnvironmentProblem:
        if status == "UPDATE_ROLLBACK_FAILED":
            step = (
                f"aws cloudformation continue-update-rollback --stack-name {self._stack} "
                f"--region {self._account.region}"
            )
        else:
            step = f"jupyter flotilla setup-aws --remove --stack-name {self._stack}, then --apply"
        words = f"the stack {self._stack!r} is in {status} and cannot be changed"
        reason = self._first_failure()
        return EnvironmentProblem(f"{words}: {reason}" if reason else words, next_step=step)

    def _failed(self, status: str) -> EnvironmentProblem:
        reason = self._first_failure() or "CloudFormation says no more"
        return EnvironmentProblem(
            f"the stack {self._stack!r} ended in {status}: {reason}", next_step=_step_for(reason)
        )

    def _first_failure(self) -> str | None:
        """Return what failed first in the last operation, with AWS's reason."""
        failures = []
        for event in self._events():
            is_stack = event.get("PhysicalResourceId") == event.get("StackId")
            status = str(event["ResourceStatus"])
            if is_stack and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS",
                                       "DELETE_IN_PROGRESS"):  # fmt: skip
                break
            reason = str(event.get("ResourceStatusReason", ""))
            if status.endswith("_FAILED") and reason and not reason.startswith(_FOLLOWS):
                failures.append(f"{event['LogicalResourceId']}: {reason}")
        return failures[-1] if failures else None  # the newest come first

    def _tell_events(self) -> None:
        for event in reversed(self._events()):
            if event["EventId"] in self._seen:
                continue
            self._seen.add(event["EventId"])
            reason = event.get("ResourceStatusReason")
            is_failed = "FAILED" in event["ResourceStatus"]
            tail = f": {reason}" if reason and is_failed else ""
            self._say(
                f"  {event['ResourceStatus']:<20} {event['ResourceType'].removeprefix('AWS::')} "
                f"{event['LogicalResourceId']}{tail}"
            )

    def _note_events(self) -> None:
        """Take what has happened by now as told, and tell what comes."""
        self._is_telling = True
        self._seen |= {event["EventId"] for event in self._events()}

    def _events(self) -> list[dict[str, Any]]:
        """Return the newest events, the newest first; none where the stack is gone."""
        try:
            found = self._call("DescribeStackEvents", StackName=self._stack)
        except AwsError as error:
            if _is_absent(error):
                return []
            raise
        return list(found["StackEvents"])

    def _described(self) -> dict[str, Any] | None:
        try:
            [found] = self._call("DescribeStacks", StackName=self._stack)["Stacks"]
        except AwsError as error:
            if _is_absent(error):
                return None
            raise
        return dict(found)

    def _call(self, action: str, **request: Any) -> dict[str, Any]:
        return self._account.call("cloudformation", action, **request)


def refuse(harsh: Sequence[str]) -> None:
    """Refuse what would be deleted or replaced: for those whom nobody can ask."""
    raise Refused(f"this would {'; '.join(harsh)}", next_step="add --yes if that is meant")


def _harsh(change: Mapping[str, Any]) -> str | None:
    """Return what a change takes away; None: nothing."""
    what = f"{change['ResourceType'].removeprefix('AWS::')} {change.get('PhysicalResourceId', '')}"
    if change["Action"] == "Remove":
        return f"delete {what}"
    # Conditional: only AWS knows, when it happens
    return f"replace {what}" if change.get("Replacement") == "True" else None


def _is_absent(error: AwsError) -> bool:
    return error.aws_code == "ValidationError" and "does not exist" in error.aws_message


def _step_for(reason: str) -> str:
    """Return what to do about AWS's reason."""
    lower = reason.lower()
    if "already exists" in lower or "alreadyexists" in lower or "name is not available" in lower:
        return "the name is taken: use what there is (--use …), or give another --stack-name"
    if "not authorized" in lower or "accessdenied" in lower or "access denied" in lower:
        return "have that allowed: 'jupyter flotilla setup-aws --plan' prints the admin policy"
    if "service linked role" in lower:
        return "apply again: the account's first cluster makes that role, which takes a minute"
    return "mend that, remove the stack (--remove), and apply again"
