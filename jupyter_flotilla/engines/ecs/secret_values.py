"""Values of secrets that lie in AWS, for jobs that run on this machine."""

import json
import re
from typing import Any, NamedTuple

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.errors import SecretUnavailable

_ARN = re.compile(r"(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^:]+)(?::(.*))?")
#: Codes of SSM and Secrets Manager for what is not there.
_MISSING = ("ParameterNotFound", "ResourceNotFoundException")


class SecretAddress(NamedTuple):
    """Where in Secrets Manager a value is."""

    #: Name or ARN.
    name: str
    #: Of a secret that is a JSON object; empty: the secret is the value.
    key: str


def secret_address(address: str) -> SecretAddress:
    """Return what ``NAME``, ``NAME:KEY`` or an ARN with or without a key mean.

    >>> secret_address("prod/db:password")
    SecretAddress(name='prod/db', key='password')
    """
    if found := _ARN.fullmatch(address):
        return SecretAddress(found[1], found[2] or "")
    name, _, key = address.partition(":")
    return SecretAddress(name, key)


def read_value(aws: Account, name: str, source: str) -> str:
    """Return a secret's value from Parameter Store or Secrets Manager.

    Parameters
    ----------
    source
        ``ssm:/PARAMETER`` or ``sm:SECRET[:KEY]``.

    Raises
    ------
    SecretUnavailable
        If it is not there; the value is never in the message.
    """
    scheme, _, address = source.partition(":")
    try:
        return _parameter(aws, address) if scheme == "ssm" else _secret(aws, name, address)
    except AwsError as error:
        if error.aws_code in _MISSING:
            raise SecretUnavailable(
                f"secret {name}: there is no {source} in {aws.region}",
                next_step="mind its name and the region in flotilla.toml",
            ) from None
        # nothing behind it: no error of AWS's belongs where secrets are
        raise SecretUnavailable(
            f"secret {name}: {error.message}", next_step=error.next_step
        ) from None


def _parameter(aws: Account, address: str) -> str:
    answer = aws.call("ssm", "GetParameter", Name=address, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def _secret(aws: Account, name: str, address: str) -> str:
    where = secret_address(address)
    value = aws.call("secretsmanager", "GetSecretValue", SecretId=where.name).get("SecretString")
    if value is None:
        raise SecretUnavailable(f"secret {name}: sm:{where.name} is binary, and no text")
    if not where.key:
        return str(value)
    found = _member(value, where.key)
    if found is None:
        raise SecretUnavailable(
            f"secret {name}: sm:{where.name} is no JSON object with {where.key!r} in it",
            next_step=f"--secret {name}=sm:{where.name} for all of it",
        )
    return found if isinstance(found, str) else json.dumps(found)


def _member(value: str, key: str) -> Any:
    try:
        content = json.loads(value)
    except ValueError:
        return None
    return content.get(key) if isinstance(content, dict) else None
