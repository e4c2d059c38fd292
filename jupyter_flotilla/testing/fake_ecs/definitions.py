"""Task definitions: families, revisions, ACTIVE and INACTIVE."""

from dataclasses import dataclass, field
from typing import Literal

from jupyter_flotilla.testing.fake_ecs import sizes
from jupyter_flotilla.testing.fake_ecs.paging import page
from jupyter_flotilla.testing.fake_ecs.refusals import (
    Json,
    client_error,
    invalid,
    no_fargate_size,
)
from jupyter_flotilla.testing.fake_ecs.world import World

#: What is copied from a registration into the definition.
_COPIED = (
    "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "placementConstraints",
    "requiresCompatibilities", "cpu", "memory", "pidMode", "ipcMode", "ephemeralStorage",
    "runtimePlatform",
)  # fmt: skip
#: Most of them in one DeleteTaskDefinitions. Source: its API reference, read 2026-11.
_MOST_DELETED = 10


@dataclass(slots=True)
class Definition:
    """One revision of a family."""

    family: str
    revision: int
    arn: str
    fields: Json
    registered_at: float
    tags: list[Json] = field(default_factory=list)
    status: Literal["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"] = "ACTIVE"
    deregistered_at: float | None = None

    @property
    def containers(self) -> list[Json]:
        found: list[Json] = self.fields["containerDefinitions"]
        return found

    def describe(self) -> Json:
        """Return it as the API shows it."""
        compatible = ["EC2", "FARGATE"] if self.fields.get("networkMode") == "awsvpc" else ["EC2"]
        shown = {
            **self.fields,
            "taskDefinitionArn": self.arn,
            "family": self.family,
            "revision": self.revision,
            "status": self.status,
            "compatibilities": compatible,
            "registeredAt": self.registered_at,
        }
        if self.deregistered_at is not None:
            shown["deregisteredAt"] = self.deregistered_at
        return shown


class Definitions:
    """All task definitions of the account."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._families: dict[str, list[Definition]] = {}

    def register(self, params: Json) -> Json:
        """Answer RegisterTaskDefinition: always a new revision."""
        _check(params)
        family = params["family"]
        revisions = self._families.setdefault(family, [])
        revision = len(revisions) + 1
        fields = {name: params[name] for name in _COPIED if name in params}
        fields.setdefault("volumes", [])
        fields["containerDefinitions"] = [
            {"cpu": 0, "essential": True, "environment": [], "mountPoints": [], **container}
            for container in params["containerDefinitions"]
        ]
        definition = Definition(
            family=family,
            revision=revision,
            arn=self._world.arn(f"task-definition/{family}:{revision}"),
            fields=fields,
            registered_at=self._world.now,
            tags=list(params.get("tags", ())),
        )
        revisions.append(definition)
        return {"taskDefinition": definition.describe(), "tags": definition.tags}

    def find(self, name: str) -> Definition | None:
        """Return a definition by family, family:revision or ARN; a family's last ACTIVE one."""
        family, _, revision = name.rsplit("/", 1)[-1].partition(":")
        revisions = self._families.get(family, [])
        if not revision:
            return next((one for one in reversed(revisions) if one.status == "ACTIVE"), None)
        if not revision.isdigit() or not 0 < int(revision) <= len(revisions):
            return None
        return revisions[int(revision) - 1]

    def describe(self, params: Json) -> Json:
        """Answer DescribeTaskDefinition; INACTIVE ones are shown too, by their revision."""
        definition = self.find(params["taskDefinition"])
        if definition is None:
            raise client_error("Unable to describe task definition.")
        answer: Json = {"taskDefinition": definition.describe()}
        if "TAGS" in params.get("include", ()):
            answer["tags"] = definition.tags
        return answer

    def runnable(self, name: str) -> Definition:
        """Return the definition that RunTask would start, or raise what it answers."""
        definition = self.find(name)
        if definition is None:
            raise client_error("TaskDefinition not found.")
        if definition.status != "ACTIVE":
            since = self._world.now - (definition.deregistered_at or 0)
            # "there may be up to a 10-minute window": DeregisterTaskDefinition's reference
            if since >= self._world.settings.inactive_grace_s:
                raise invalid("TaskDefinition is inactive")
        return definition

    def list_arns(self, params: Json) -> Json:
        """Answer ListTaskDefinitions."""
        status = params.get("status", "ACTIVE")
        family = params.get("familyPrefix")
        arns = [
            one.arn
            for name in sorted(self._families)
            if family in (None, name)
            for one in self._families[name]
            if one.status == status
        ]
        if params.get("sort") == "DESC":
            arns.reverse()
        return page("taskDefinitionArns", arns, params)

    def deregister(self, params: Json) -> Json:
        """Answer DeregisterTaskDefinition: the revision becomes INACTIVE."""
        definition = self._with_revision(params["taskDefinition"])
        if definition.status == "ACTIVE":
            definition.status = "INACTIVE"
            definition.deregistered_at = self._world.now
        return {"taskDefinition": definition.describe()}

    def delete(self, params: Json) -> Json:
        """Answer DeleteTaskDefinitions: only INACTIVE ones, ten at a time."""
        names = params["taskDefinitions"]
        if len(names) > _MOST_DELETED:
            raise invalid("You can delete up to 10 task definitions at a time.")  # [unverified]
        deleted, failures = [], []
        for name in names:
            definition = self.find(name)
            if definition is None:
                failures.append({"arn": name, "reason": "TASK_DEFINITION_NOT_FOUND"})
            elif definition.status == "ACTIVE":
                reason = "The specified task definition is still in ACTIVE status. Please "
                reason += "deregister the target and try again."
                failures.append({"arn": definition.arn, "reason": reason})
            else:
                definition.status = "DELETE_IN_PROGRESS"
                deleted.append(definition.describe())
        return {"taskDefinitions": deleted, "failures": failures}

    def _with_revision(self, name: str) -> Definition:
        if ":" not in name.rsplit("/", 1)[-1]:
            raise invalid("Task definition revision is required.")  # [unverified wording]
        definition = self.find(name)
        if definition is None:
            raise client_error("The specified task definition does not exist.")
        return definition


def _check(params: Json) -> None:
    if not params.get("containerDefinitions"):
        raise client_error("Container list cannot be empty.")
    if "FARGATE" not in params.get("requiresCompatibilities", ()):
        return
    if params.get("networkMode") != "awsvpc":
        raise client_error("Fargate only supports network mode 'awsvpc'.")
    for name in ("cpu", "memory"):
        if name not in params:
            raise client_error(f"Fargate requires that '{name}' be defined at the task level.")
    if not sizes.is_legal(params["cpu"], params["memory"]):
        raise client_error(no_fargate_size(params["cpu"], params["memory"]))
    if any("secrets" in one for one in params["containerDefinitions"]) and not params.get(
        "executionRoleArn"
    ):
        raise client_error(
            "When you are specifying container secrets, you must also specify a value for "
            "'executionRoleArn'."
        )
