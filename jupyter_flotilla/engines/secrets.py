"""Reads secrets where they lie, at the last moment, on the host that runs the job."""

from pathlib import Path

from jupyter_flotilla.errors import SecretUnavailable
from jupyter_flotilla.settings import load_settings


def read_secret(name: str, source: str) -> str:
    """Return a secret's value.

    Parameters
    ----------
    source
        ``keyring:SERVICE/USER``, ``file:/path`` (without its last line break), ``ssm:/PARAMETER``
        or ``sm:SECRET[:KEY]``.

    Raises
    ------
    SecretUnavailable
        If it is not there; the value is never in the message.
    """
    scheme, _, address = source.partition(":")
    if scheme in ("ssm", "sm"):
        return _from_aws(name, source)
    return _from_file(name, Path(address)) if scheme == "file" else _from_keyring(name, address)


def _from_file(name: str, path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnavailable(
            f"secret {name}: {path} cannot be read: {getattr(error, 'strerror', 'not UTF-8')}",
            next_step=f"write the value into {path}, readable by you alone (chmod 600)",
        ) from None
    return value.removesuffix("\n").removesuffix("\r")


def _from_aws(name: str, source: str) -> str:
    # seldom needed, and botocore behind it is large
    from jupyter_flotilla.engines.ecs.account import Account
    from jupyter_flotilla.engines.ecs.secret_values import read_value

    return read_value(Account(load_settings()), name, source)


def _from_keyring(name: str, address: str) -> str:
    service, _, user = address.rpartition("/")
    try:
        import keyring
    except ImportError:
        raise SecretUnavailable(
            f"secret {name}: the keyring package is not installed",
            next_step=f"pip install 'jupyter_flotilla[keyring]', or --secret {name}=file:/path",
        ) from None
    try:
        value = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise SecretUnavailable(
            f"secret {name}: the keyring cannot be used here: {error}",
            next_step=f"--secret {name}=file:/path works without a keyring",
        ) from None
    if value is None:
        raise SecretUnavailable(
            f"secret {name}: the keyring has no entry {service!r} {user!r}",
            next_step=f"keyring set {service} {user}",
        )
    return str(value)
