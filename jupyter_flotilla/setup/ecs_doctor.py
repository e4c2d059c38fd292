"""All of doctor's looks at ECS, in the order in which to mend things, and what it mends itself."""

import getpass
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.errors import FlotillaError
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.setup import ecs_account, ecs_places, settings_file
from jupyter_flotilla.setup.finding import Finding, looked
from jupyter_flotilla.setup.stack.template import LOG_DAYS

_SET_UP = "jupyter flotilla setup-aws --plan, then --apply"
#: Mark of values that ``--fix`` writes.
_MARK = "doctor --fix"


def examine_ecs(settings: Settings, now: datetime, account: Account | None = None) -> list[Finding]:
    """Return what every look at AWS finds; asks AWS, and writes and deletes one small file.

    Without credentials that are good the rest is not looked at.
    """
    aws = account or Account(settings)
    found = looked("aws credentials", lambda: ecs_account.who(aws, now))
    if not found[0].ok:
        return found
    ecs = settings.ecs
    if ecs.cluster is None:
        missing = Finding(name="cluster", ok=False, message="ecs.cluster is not set",
                          next_step=_SET_UP)  # fmt: skip
        return [*found, missing]
    role = ecs.role(owner=_user())
    looks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("cluster", lambda: ecs_places.cluster(aws, ecs)),
        ("roles", lambda: ecs_account.roles(aws, role)),
        ("pass roles", lambda: ecs_account.passing(aws, role)),
        ("log group", lambda: ecs_places.log_group(aws, ecs.log_group)),
        ("event queue", lambda: ecs_places.queue(aws, ecs.queue_url)),
        ("cloud schedules", lambda: ecs_places.schedules(ecs)),
        ("quota", lambda: ecs_account.quota(aws)),
    ]
    for name, look in looks:
        found += looked(name, look)
    found += looked("definition", lambda: ecs_account.definition(aws, role), is_needed=True)
    found += _network(aws, settings) + _files(aws, settings)
    if any(one.name == "cluster" and one.ok for one in found):
        # then the region is right, and the bucket is not
        return [replace(one, fix=None) if one.fix == "region" else one for one in found]
    return found


def mend(
    settings: Settings, findings: Sequence[Finding], path: Path, account: Account | None = None
) -> list[str]:
    """Do what can be done safely about what was found; return what was done, and what failed.

    Parameters
    ----------
    path
        The settings file.
    """
    aws = account or Account(settings)
    fixes: dict[str, Callable[[], str]] = {
        "capacity": lambda: ecs_places.add_fargate(aws, settings.ecs),
        "log-group": lambda: ecs_places.add_log_group(aws, settings.ecs, LOG_DAYS),
        "region": lambda: _written(
            path, "region", ecs_places.bucket_region(aws, settings.artifacts or "")
        ),
        "public-ip": lambda: _written(path, "ecs.assign_public_ip", True),
    }
    done = []
    for finding in findings:
        if finding.fix is None or finding.ok or finding.fix not in fixes:
            continue
        try:
            done.append(fixes[finding.fix]())
        except FlotillaError as error:
            done.append(f"{finding.name} could not be mended: {error.message}")
    return done


def _network(aws: Account, settings: Settings) -> list[Finding]:
    try:
        where = settings.ecs.network()
    except FlotillaError as error:
        return [Finding(name="subnets", ok=False, message=error.message,
                        next_step=error.next_step)]  # fmt: skip
    return looked("subnets", lambda: ecs_places.network(aws, where))


def _files(aws: Account, settings: Settings) -> list[Finding]:
    url = settings.artifacts
    if url is None:
        return [Finding(name="bucket", ok=False, message="artifacts is not set",
                        next_step=_SET_UP)]  # fmt: skip
    found = looked("bucket", lambda: ecs_places.bucket(aws, url), is_needed=True)
    if not found[0].ok:
        return found
    return found + looked("expiry", lambda: ecs_places.expiry(aws, url))


def _written(path: Path, name: str, value: object) -> str:
    settings_file.merge(path, {name: value}, _MARK)
    return f"{name} = {value} is written into {path}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "me"
