"""The one option table.

It drives the command line, the keyword signature of the Python API, the JSON schema and every
help text; a test asserts that they offer the same set. An option stands here only once an
engine honours it, and an engine that does not refuses it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from pydantic import Field

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.base import Value
from jupyter_flotilla.model.job import OnOom, check_name
from jupyter_flotilla.model.literals import json_or_text, json_value, python_literal
from jupyter_flotilla.model.notice import read_notify
from jupyter_flotilla.model.option import Option, read_keywords
from jupyter_flotilla.model.patterns import read_fetch, read_files
from jupyter_flotilla.model.publish import read_publish
from jupyter_flotilla.model.resources import INCLUDED_DISK_GIB, MAX_DISK_GIB, Arch
from jupyter_flotilla.model.size_options import SIZE_OPTIONS, with_unit
from jupyter_flotilla.model.units import parse_duration, parse_money, parse_size

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: KEY and TOKEN end a word (API_KEY, AUTHTOKEN2, but TOKENIZERS_PARALLELISM is none).
_SECRET_LIKE = re.compile(
    r"(KEY|TOKEN)S?(_|\d|$)|PASSW|PASSPHRASE|SECRET|CREDENTIAL", re.IGNORECASE
)
_MAX_TEXT = 32_768
#: As Docker reads references: host, path, tag, digest; never an option of a command.
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}")
#: Names and ARNs of parameters and secrets (docs.aws.amazon.com/secretsmanager/latest/apireference/
#: API_CreateSecret.html and …/systems-manager/latest/APIReference/API_PutParameter.html, 2026-11).
_AWS_ADDRESS = re.compile(r"[A-Za-z0-9/_+=.@:-]{1,2048}")
_NAME_OF_DAEMON = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class JobOptions(Value):
    """Options of a job in canonical units, as they travel (REST, ``--json``)."""

    name: str | None = None
    engine: str = "auto"
    #: Where defaults came from; it has been taken into the other options already.
    profile: str | None = None
    image: str | None = None
    deps: str | None = None
    extra_deps: tuple[str, ...] = ()
    network: str | None = None
    role: str | None = None
    cpu: float | None = Field(default=None, gt=0)
    gpu: int | None = Field(default=None, ge=0, le=64)
    memory_mib: int | None = Field(default=None, gt=0)
    spot: bool | None = None
    arch: Arch | None = None
    disk_gib: int | None = Field(default=None, ge=INCLUDED_DISK_GIB, le=MAX_DISK_GIB)
    timeout_s: int | None = Field(default=None, gt=0)
    max_cost_usd: float | None = Field(default=None, gt=0)
    retries: int | None = Field(default=None, ge=0, le=100)
    on_oom: str | None = None
    params: dict[str, Any] = {}
    env: dict[str, str | None] = {}
    secrets: dict[str, str] = {}
    files: tuple[str, ...] = ()
    fetch: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    #: ``TARGET:OCCASION,…``: see `model.notice`.
    notify: tuple[str, ...] = ()
    #: ``NAME`` or ``NAME=PATH``: see `model.publish`.
    publish: tuple[str, ...] = ()


class OptionKeywords(TypedDict, total=False):
    """The options as keywords of the Python API, in the forms that people write."""

    name: str | None
    engine: str | None
    profile: str | None
    image: str | None
    deps: str | None
    with_: str | Iterable[str]
    network: str | None
    role: str | None
    cpu: float | None
    gpu: int | None
    memory: str | None
    spot: bool | None
    arch: str | None
    disk: str | None
    timeout: str | None
    max_cost: float | str | None
    retries: int | None
    on_oom: str | None
    params: Mapping[str, Any]
    env: Mapping[str, str | None]
    secrets: Iterable[str] | Mapping[str, str]
    files: Iterable[str]
    fetch: Iterable[str]
    tags: Mapping[str, str] | Iterable[str]
    notify: str | Iterable[str]
    publish: str | Iterable[str]


def _image(value: Any) -> str:
    text = str(value)
    if _IMAGE.fullmatch(text) is None:
        raise InvalidOption(
            f"--image {text[:60]!r} is no name of an image",
            next_step="--image NAME:TAG, NAME@sha256:… or HOST/NAME:TAG",
        )
    return text


def _word(flag: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = str(value)
        if _NAME_OF_DAEMON.fullmatch(text) is None:
            raise InvalidOption(f"{flag} {text[:60]!r} is no name", next_step=f"{flag} my-name")
        return text

    return check


def _deps(value: Any) -> str:
    text = str(value).strip()
    if not text or "\0" in text or len(text) > _MAX_TEXT:
        raise InvalidOption(
            f"--deps {text[:60]!r} says nothing",
            next_step="--deps auto, lock, freeze, none, a file, or pandas,polars>=1",
        )
    return text


def _extra_deps(value: Any) -> tuple[str, ...]:
    return tuple(_deps(one) for one in ([value] if isinstance(value, str) else value))


def _retries(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,3}\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise InvalidOption(f"{value!r} is not a number of retries", next_step="--retries 2")
    return value


def read_on_oom(value: str) -> OnOom | None:
    """Return what ``fail``, ``double`` or ``double:64G`` means; raises InvalidOption."""
    word, colon, cap = value.partition(":")
    if word == "fail" and not colon:
        return None
    if word == "double":
        return OnOom(cap_mib=parse_size(cap) if colon else None)
    raise InvalidOption(
        f"--on-oom {value!r} is neither fail nor double", next_step="--on-oom double or double:64G"
    )


def _on_oom(value: Any) -> str:
    read_on_oom(str(value))
    return str(value)


def _money(value: Any) -> float:
    return parse_money(str(value))


def _name(value: Any) -> str:
    return check_name(str(value))


def _engine(value: Any) -> str:
    return str(value)


def _profile(value: Any) -> str:
    return str(value).removeprefix("@")


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    """Return pairs from a mapping or from ``k=v`` texts; a text without ``=`` gives None."""
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in value.items()]
    if isinstance(value, str):
        value = [value]
    pairs = (str(text).partition("=") for text in value)
    return [(key, item if equals else None) for key, equals, item in pairs]


def _params(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {str(key): json_value(str(key), item) for key, item in value.items()}
    params: dict[str, Any] = {}
    for text in [value] if isinstance(value, str) else value:
        key, equals, literal = str(text).partition("=")
        if not key.removesuffix(":"):
            raise InvalidOption(f"--param {text!r} has no name", next_step="--param NAME=VALUE")
        if not equals:
            raise InvalidOption(f"--param {text!r} has no value", next_step=f"--param {text}=VALUE")
        if key.endswith(":"):
            params[key[:-1]] = python_literal(key[:-1], literal)
        else:
            params[key] = json_or_text(literal)
    return params


def _env(value: Any) -> dict[str, str | None]:
    env: dict[str, str | None] = {}
    for key, item in _items(value):
        _check_env_name("--env", key)
        if _SECRET_LIKE.search(key):
            raise InvalidOption(
                f"--env {key}: its name looks like a secret's, and --env is stored in clear",
                next_step=f"--secret {key} (from your keyring) or --secret {key}=file:/path",
            )
        if item is not None and ("\0" in str(item) or len(str(item)) > _MAX_TEXT):
            raise InvalidOption(
                f"--env {key}: the value has a NUL character or more than {_MAX_TEXT:,} characters",
                next_step="put it into a file and pass --files",
            )
        env[key] = None if item is None else str(item)
    return env


def _check_env_name(flag: str, name: str) -> None:
    if _ENV_NAME.fullmatch(name) is None:
        raise InvalidOption(
            f"{flag} {name[:60]!r} is not a name for an environment variable",
            next_step=f"use letters, digits and '_': {flag} MY_NAME",
        )


def _secrets(value: Any) -> dict[str, str]:
    secrets: dict[str, str] = {}
    for name, source in _items(value):
        _check_env_name("--secret", name)
        source = source or f"keyring:flotilla/{name}"
        scheme, colon, rest = source.partition(":")
        is_aws = scheme in ("ssm", "sm")
        is_known = is_aws or scheme in ("keyring", "file")
        if not (colon and rest and is_known) or (is_aws and not _AWS_ADDRESS.fullmatch(rest)):
            # The value may be the secret itself: it is not repeated here.
            raise InvalidOption(
                f"--secret {name}=… does not say where its value is read",
                next_step=f"--secret {name} (your keyring), {name}=keyring:SERVICE/USER, "
                f"{name}=file:/path, or in AWS {name}=ssm:/PARAMETER and {name}=sm:SECRET[:KEY]; "
                "never the value itself",
            )
        if scheme == "keyring" and "/" not in rest:
            source = f"keyring:{rest}/{name}"
        secrets[name] = source
    return secrets


def _tags(value: Any) -> dict[str, str]:
    tags = {}
    for key, item in _items(value):
        text = "" if item is None else str(item)
        if not key or len(key) > 128 or len(text) > 256 or not (key + text).isprintable():
            raise InvalidOption(
                f"--tag {key[:60]!r}: a tag is k=v, printable, at most 128 and 256 characters",
                next_step="--tag team=forecast",
            )
        tags[key] = text
    return tags


OPTIONS: tuple[Option, ...] = (
    *SIZE_OPTIONS,
    Option(
        name="image", py="image", rest="image", form="Image", metavar="IMAGE", parse=_image,
        group="image", is_of_some=True,
        help="Container image: any that has Python 3.8 or later. [default: by this Python]",
    ),
    Option(
        name="deps", py="deps", rest="deps", form="Packages", metavar="WHAT", parse=_deps,
        group="image", is_of_some=True,
        help="Packages that the image lacks: auto (what is imported), lock, freeze (all of this "
        "environment), none, a FILE, or pkg,pkg. [default: auto]",
    ),
    Option(
        name="with", py="with_", rest="extra_deps", form="Extra packages", metavar="PKG",
        parse=_extra_deps, repeats=True, group="image", is_of_some=True,
        help="One package more, e.g. polars or 'polars>=1'.",
    ),
    Option(
        name="network", py="network", rest="network", form="Network", metavar="NAME",
        parse=_word("--network"), group="image", is_of_some=True,
        help="Network of the container, e.g. none. [default: the engine's own]",
    ),
    Option(
        name="role", py="role", rest="role", form="Role", metavar="NAME", parse=_word("--role"),
        group="image", is_of_some=True, engine_hint="ecs",
        help="As whom the job acts in AWS: a name of [ecs.roles] in flotilla.toml. [default: "
        "the role of all your jobs]",
    ),
    Option(
        name="timeout", py="timeout", rest="timeout_s", form="Timeout", alias="t", metavar="TIME",
        parse=with_unit(parse_duration, "timeout='2h'"), group="limits",
        help="Stop the job after this time, e.g. 45m, 2h, 1h30m. [default: 1h on ecs, else never]",
    ),
    Option(
        name="max-cost", py="max_cost", rest="max_cost_usd", form="Cost cap", metavar="USD",
        parse=_money, group="limits",
        help="Stop the job when it has cost, or would have cost, this many US dollars.",
    ),
    Option(
        name="retries", py="retries", rest="retries", form="Retries", metavar="N", parse=_retries,
        group="limits",
        help="Further attempts after an error or timeout of the job. [default: 0]",
    ),
    Option(
        name="on-oom", py="on_oom", rest="on_oom", form="If out of memory", metavar="WHAT",
        parse=_on_oom, group="limits",
        help="fail, double (the memory, four times at most) or double:CAP. [default: fail]",
    ),
    Option(
        name="param", py="params", rest="params", form="Parameters", alias="p", metavar="K=V",
        parse=_params, repeats=True, group="inputs",
        help="Notebook parameter: JSON, else text; K:=EXPR is a Python literal.",
    ),
    Option(
        name="env", py="env", rest="env", form="Environment", alias="e", metavar="K[=V]",
        parse=_env, repeats=True, group="inputs",
        help="Environment variable; K alone copies it from here. Stored in clear.",
    ),
    Option(
        name="secret", py="secrets", rest="secrets", form="Secrets", metavar="NAME[=SOURCE]",
        parse=_secrets, repeats=True, group="inputs",
        help="Secret as an environment variable, from the keyring, file:/path, or in AWS "
        "ssm:/PARAMETER or sm:SECRET[:KEY]. Never stored.",
    ),
    Option(
        name="files", py="files", rest="files", form="Files", metavar="GLOB",
        parse=read_files, repeats=True, group="inputs",
        help="Files or folders to freeze now, without what .flotillaignore and .gitignore name; "
        "the job then sees these alone, in a folder of its own.",
    ),
    Option(
        name="fetch", py="fetch", rest="fetch", form="Files to bring back", metavar="GLOB",
        parse=read_fetch, repeats=True, group="inputs",
        help="Files of the job's working directory to bring back, however it ends.",
    ),
    Option(
        name="name", py="name", rest="name", form="Name", alias="n", metavar="NAME", parse=_name,
        help="What to call the run. [default: from the file or the first line]",
    ),
    Option(
        name="tag", py="tags", rest="tags", form="Tags", metavar="K=V", parse=_tags, repeats=True,
        help="Label to find runs and sum costs by.",
    ),
    Option(
        name="notify", py="notify", rest="notify", form="Tell", metavar="TARGET[:WHEN]",
        parse=read_notify, repeats=True,
        help="Who is told: desktop, or a name of [notify] in flotilla.toml; WHEN is success, "
        "failure, slow or late, with commas between. [default: all four]",
    ),
    Option(
        name="publish", py="publish", rest="publish", form="Publish as", metavar="NAME[=FILE]",
        parse=read_publish, repeats=True,
        help="On success, swap NAME.html or NAME.ipynb, or NAME for a FILE that the job writes: an "
        "address that stays ('jupyter flotilla published').",
    ),
    Option(
        name="engine", py="engine", rest="engine", form="Where", metavar="NAME", parse=_engine,
        help="Where to run. [default: auto, the configured engine, else process]",
    ),
    Option(
        name="profile", py="profile", rest="profile", form="Profile", metavar="NAME",
        parse=_profile,
        help="Options of [profiles.NAME] in flotilla.toml; what is given beside it wins.",
    ),
)  # fmt: skip


def read_options(keywords: Mapping[str, Any]) -> JobOptions:
    """Return canonical options from what people wrote, as keywords of Python.

    None and empty mean "not given".

    Raises
    ------
    InvalidOption
        For a keyword that does not exist (with the closest ones) and for a wrong value.
    """
    return JobOptions(**read_keywords(keywords, OPTIONS))


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of `JobOptions`, with the table's words in it."""
    schema = JobOptions.model_json_schema()
    for option in OPTIONS:
        schema["properties"][option.rest] |= {"title": option.form, "description": option.help}
    return schema
