"""Secrets of jobs on ECS: by reference only, read by ECS itself when it starts a task."""

import shlex
from collections.abc import Iterable

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.definition import Secret
from jupyter_flotilla.engines.ecs.secret_values import secret_address
from jupyter_flotilla.errors import InvalidOption, SecretUnavailable
from jupyter_flotilla.model.job import SecretRef


def check_secrets(refs: Iterable[SecretRef]) -> None:
    """Raise InvalidOption for a secret that only this machine can read: tasks start without it."""
    for ref in refs:
        scheme, _, address = ref.source.partition(":")
        if scheme in ("ssm", "sm"):
            continue
        raise InvalidOption(
            f"--secret {ref.name}: {ref.source} is read on this machine, and ECS starts tasks "
            "without it",
            next_step=f"{_put(ref.name, scheme, address)}, then --secret "
            f"{ref.name}=ssm:/flotilla/{ref.name}",
        )


def resolve(aws: Account, refs: Iterable[SecretRef]) -> list[Secret]:
    """Return what a task definition says of secrets.

    A parameter's name may stay a name, a secret's must become its ARN (Secret of
    docs.aws.amazon.com/AmazonECS/latest/APIReference, read 2026-11).

    Raises
    ------
    InvalidOption
        As `check_secrets`.
    SecretUnavailable
        If Secrets Manager has none of that name.
    AwsError
    """
    refs = list(refs)
    check_secrets(refs)
    return [Secret(name=ref.name, value_from=_value_from(aws, ref)) for ref in refs]


def _value_from(aws: Account, ref: SecretRef) -> str:
    scheme, _, address = ref.source.partition(":")
    if scheme == "ssm":
        return address
    name, key = secret_address(address)
    arn = name if name.startswith("arn:") else _arn(aws, ref.name, name)
    return f"{arn}:{key}::" if key else arn


def _arn(aws: Account, variable: str, name: str) -> str:
    try:
        return str(aws.call("secretsmanager", "DescribeSecret", SecretId=name)["ARN"])
    except AwsError as error:
        if error.aws_code != "ResourceNotFoundException":
            raise
        raise SecretUnavailable(
            f"secret {variable}: Secrets Manager has no secret {name!r} in {aws.region}",
            next_step=f"aws secretsmanager create-secret --name {name} --secret-string file://FILE",
        ) from error


def _put(name: str, scheme: str, address: str) -> str:
    """Return the command that brings a value into Parameter Store; it never shows the value."""
    put = f"aws ssm put-parameter --name /flotilla/{name} --type SecureString --value"
    if scheme == "file":
        return f"{put} {shlex.quote(f'file://{address}')}"
    service, _, user = address.rpartition("/")
    entry = shlex.join([service, user])
    return f"keyring get {entry} | tr -d '\\n' | {put} file:///dev/stdin"
