"""Values of a container's ``secrets``, from Secrets Manager and the Parameter Store."""

import json

from emulator.inner import Inner
from emulator.task import Container, Task
from emulator.wire import Json, ServiceError


class NoSecret(Exception):
    """A secret that cannot be had; the task does not start."""


async def values(inner: Inner, task: Task, container: Container) -> dict[str, str]:
    """Return variable to value.

    Raises
    ------
    NoSecret
        As ECS says it in ``stoppedReason``.
    """
    found = {}
    for secret in container.definition.get("secrets") or ():
        source = secret["valueFrom"]
        kind = "asm" if ":secretsmanager:" in source else "ssm"
        try:
            found[secret["name"]] = await _ONE[kind](inner, task, source)
        except (ServiceError, KeyError, ValueError) as error:
            raise NoSecret(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution "
                f"resource retrieval failed: unable to retrieve secret from {kind}: "
                f"{source}: {error}"
            ) from error
    return found


async def _from_secrets_manager(inner: Inner, task: Task, source: str) -> str:
    # arn:aws:secretsmanager:region:account:secret:name[:json-key:version-stage:version-id]
    parts = source.split(":")
    params: Json = {"SecretId": ":".join(parts[:7])}
    key, stage, version = [*parts[7:], "", "", ""][:3]
    if stage:
        params["VersionStage"] = stage
    if version:
        params["VersionId"] = version
    said = await inner.call(task.caller, "secretsmanager", "GetSecretValue", params)
    text = str(said["SecretString"])
    return str(json.loads(text)[key]) if key else text


async def _from_parameter_store(inner: Inner, task: Task, source: str) -> str:
    name = source
    if source.startswith("arn:"):
        name = source.split(":parameter", 1)[1]  # of /a/b this is /a/b, of a it is /a
        name = name if name.count("/") > 1 else name.removeprefix("/")
    params = {"Name": name, "WithDecryption": True}
    said = await inner.call(task.caller, "ssm", "GetParameter", params)
    return str(said["Parameter"]["Value"])


_ONE = {"asm": _from_secrets_manager, "ssm": _from_parameter_store}
