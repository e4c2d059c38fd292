"""Plans, applies and removes what ECS needs in an account, and tells the settings.

What was chosen once is kept in the stack, so that applying again, from here or from another home,
changes nothing that nobody asked to change.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_flotilla.ecs_settings import OWNER, EcsSettings
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.engines.ecs.install import install_of
from jupyter_flotilla.engines.ecs.machines import DEFAULT_MACHINE
from jupyter_flotilla.engines.job_keys import partition_of
from jupyter_flotilla.errors import FlotillaError, InvalidOption, Refused
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.setup import alerts, bucket, settings_file
from jupyter_flotilla.setup.deployment import Deployment
from jupyter_flotilla.setup.machine_group import placed, release, warning
from jupyter_flotilla.setup.network import Network, network_of
from jupyter_flotilla.setup.stack.site import MachineGroup, Member, Site, listed
from jupyter_flotilla.setup.stack.template import template

#: Stands for the account's number where nobody is logged in.
UNKNOWN_ACCOUNT = "ACCOUNT"
#: In place of a type: no machines with GPUs.
NO_GPU = "none"
_EXPIRE_DAYS = 30
#: Settings of machines with GPUs, which are taken out where there are none.
_OF_MACHINES = ("ecs.gpu_capacity", "ecs.gpu_type", "ecs.gpu_machines")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What the user has said of a set-up; None: nothing, so that what was chosen before stays."""

    owner: str
    stack: str = "flotilla"
    profile: str | None = None
    vpc: str | None = None
    reuse: Mapping[str, str] = field(default_factory=dict)
    kms_key: str | None = None
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    expire_days: int | None = None
    #: Type of machine for jobs with GPUs; `NO_GPU`: none; empty: as before, or the usual one.
    gpu: str | None = None
    #: How many of those there may be.
    gpu_machines: int | None = None
    #: Addresses that are told of schedules' runs that fail in the cloud, beside those of before.
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A set-up that could be applied."""

    site: Site
    #: None: it could not be looked for.
    network: Network | None
    #: CloudFormation's word for what the stack is now; None: there is none, or nobody knows.
    status: str | None
    #: What could not be found out, and what to mind.
    warnings: tuple[str, ...]


class SetUp:
    """One set-up, in the region and with the profile of the settings.

    Every method raises AwsError where AWS refuses or cannot be asked.

    Parameters
    ----------
    path
        The settings file to write into.
    say
        Is told what happens, as it happens.
    """

    def __init__(
        self,
        settings: Settings,
        choices: Choices,
        path: Path,
        say: Callable[[str], None],
        account: Account | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._choices = choices
        self._path = path
        self._say = say
        self._account = account or Account(settings)
        self._pause = pause
        self._deployment = Deployment(self._account, choices.stack, say, pause)

    def plan(self) -> Planned:
        """Return what would be applied; what cannot be found out now is among the warnings."""
        try:
            number = self._account.identity().account
        except AwsError as error:
            later = (
                f"{UNKNOWN_ACCOUNT} stands for the account's number, and the VPC and its subnets "
                "are looked for at --apply"
            )
            site = self._site(UNKNOWN_ACCOUNT, {}, None)
            warnings = (_words(error), later)
            return Planned(site=site, network=None, status=None, warnings=warnings)
        said: list[str] = []
        kept: Mapping[str, Any] = {}
        status, network = None, None
        try:
            status = self._deployment.status()
            kept = self._deployment.remembered()
            network = self._network(kept)
        except AwsError as error:
            said.append(_words(error))
        site = self._site(number, kept, network)
        if network is not None and site.machines is not None:
            try:
                site = replace(site, machines=placed(self._account, site.machines, network))
            except FlotillaError as error:
                said.append(_words(error))
        said += self._about(site, network)
        return Planned(site=site, network=network, status=status, warnings=tuple(said))

    def apply(self, agree: Callable[[Sequence[str]], None]) -> Planned:
        """Bring the stack to what is planned, then write the settings.

        Parameters
        ----------
        agree
            Is asked about what would be deleted or replaced; raises where that is refused.

        Raises
        ------
        EnvironmentProblem
            If the stack cannot be made or changed.
        """
        number = self._account.identity().account
        kept = self._deployment.remembered()
        network = self._network(kept)
        site = self._site(number, kept, network)
        if site.machines is not None:
            site = replace(site, machines=placed(self._account, site.machines, network))
        elif kept.get("gpu"):
            self._end_machines(site, agree)
        warnings = tuple(self._about(site, network))
        tags = {**site.tags, "flotilla:stack": site.stack}
        if not self._deployment.apply(template(site), tags, agree):
            self._say(f"stack {site.stack} is as it should be")
        values = self.values(site, self._deployment.outputs())
        for name in settings_file.merge(self._path, values, _mark(site.stack)):
            self._say(f"  {name} = {values[name]!r}")
        left = [name for name in _OF_MACHINES if name not in values]
        for name in settings_file.unset(self._path, _mark(site.stack), left):
            self._say(f"  {name} is unset")
        self._say(f"written: {self._path}")
        return Planned(site=site, network=network, status="COMPLETE", warnings=warnings)

    def remove(self, agree: Callable[[Sequence[str]], None]) -> None:
        """Delete the stack and all in it, and take out of the settings what was written for it.

        Raises
        ------
        Refused
            If tasks run, or `agree` refuses.
        EnvironmentProblem
            If something could not be deleted.
        """
        status = self._deployment.status()
        if status is None:
            self._say(f"there is no stack {self._choices.stack} in {self._settings.region}")
        else:
            kept = self._deployment.remembered()
            site = self._site(self._account.identity().account, kept, None)
            files = self._look(site, agree)
            if files is not None:
                self._say(f"emptying bucket {site.bucket}")
                bucket.empty(self._account, site.bucket)
            if site.machines is not None:
                release(self._account, site.machine_group, self._say, self._pause)
            self._deployment.delete()
            self._say(f"stack {site.stack} is gone")
        removed = settings_file.unset(self._path, _mark(self._choices.stack))
        if removed:
            self._say(f"unset in {self._path}: {', '.join(removed)}")

    def values(self, site: Site, outputs: Mapping[str, str]) -> dict[str, Any]:
        """Return the settings of a set-up by name; what only the stack knows is from its outputs.

        Parameters
        ----------
        outputs
            Of the stack; empty: it is not there yet.
        """
        owner, install = site.member.owner, site.member.install
        group = outputs.get("SecurityGroup", f"(made with stack {site.stack})")
        queue = outputs.get(f"Queue{install}", f"(made with stack {site.stack})")
        dropped = outputs.get(f"Dropped{install}", f"(made with stack {site.stack})")
        values: dict[str, Any] = {
            "region": site.region,
            "artifacts": f"s3://{site.bucket}/{owner}",
            "ecs.cluster": site.cluster,
            "ecs.subnets": list(site.subnets),
            "ecs.security_groups": list(site.security_groups) or [group],
            "ecs.assign_public_ip": site.assign_public_ip,
            "ecs.execution_role": site.execution_role_arn,
            "ecs.task_role": site.task_role_template,
            "ecs.owner": owner,
            "ecs.log_group": site.log_group,
            "ecs.queue_url": queue,
            "ecs.scheduler_role": site.scheduler_role_arn(owner),
            "ecs.schedule_group": site.schedule_group,
            "ecs.dropped_queue": dropped,
            "ecs.alerts": site.topic_arn,
        }
        if site.machines is not None:
            given = (site.machine_provider, site.machines.type, site.machines.most)
            values |= dict(zip(_OF_MACHINES, given, strict=True))
        if self._choices.profile is not None:
            values["ecs.profile"] = self._choices.profile
        return values

    def _look(self, site: Site, agree: Callable[[Sequence[str]], None]) -> int | None:
        """Ask about what goes with the stack; return how many files there are to delete."""
        if "cluster" not in site.reuse:
            self._check_idle(site)
        words = [f"delete stack {site.stack} and all {len(template(site)['Resources'])} in it"]
        others = sorted({one.owner for one in site.everyone()} - {site.member.owner})
        if others:
            words.append(f"take it from {', '.join(others)} as well")
        schedules = _schedules(self._account, site.schedule_group)
        if schedules:
            words.append(f"delete {schedules} in group {site.schedule_group}, which then never run")
        files = None
        if "bucket" not in site.reuse:
            files = bucket.count(self._account, site.bucket)
            if files:
                words.append(f"delete {bucket.words(files)} in bucket {site.bucket}")
        agree(words)
        return files

    def _check_idle(self, site: Site) -> None:
        running = _running(self._account, site.cluster)
        if running:
            raise Refused(
                f"{running} tasks run in cluster {site.cluster}",
                next_step="jupyter flotilla cancel --all-mine, and wait for others",
            )

    def _end_machines(self, site: Site, agree: Callable[[Sequence[str]], None]) -> None:
        """End machines that are no longer wanted, before CloudFormation deletes their group."""
        self._check_idle(site)
        agree([f"take the machines with GPUs from all who use stack {site.stack}"])
        release(self._account, site.machine_group, self._say, self._pause)

    def _about(self, site: Site, network: Network | None) -> list[str]:
        """Return what to mind of a set-up."""
        found = _about(site, network)
        if network is not None and site.machines is not None:
            found += filter(None, [warning(self._account, site.machines.type)])
        return found

    def _machines(self, kept: Mapping[str, Any]) -> MachineGroup | None:
        """Return the machines with GPUs that were chosen now, else before; None: none were."""
        choices, before = self._choices, kept.get("gpu") or {}
        if choices.gpu == NO_GPU or (choices.gpu is None and not before):
            if choices.gpu_machines is not None:
                raise InvalidOption("--gpu-machines without --gpu", next_step="add --gpu")
            return None
        return MachineGroup(
            type=choices.gpu or before.get("type") or DEFAULT_MACHINE,
            most=choices.gpu_machines or int(before.get("most") or 1),
        )

    def _site(self, number: str, kept: Mapping[str, Any], network: Network | None) -> Site:
        """Return the set-up: what was chosen now, else before, else the usual."""
        choices = self._choices
        members = tuple(map(_member, kept.get("members", ())))
        install = install_of(self._settings.home)
        site = Site(
            account=number,
            region=self._settings.region,
            partition=partition_of(self._settings.region),
            stack=choices.stack,
            member=Member(
                owner=choices.owner, install=install, roles=_roles_of(self._settings.ecs)
            ),
            # a home has one owner: another word for it now means that one from now on
            members=tuple(one for one in members if one.install != install),
            reuse={**kept.get("reuse", {}), **choices.reuse},
            vpc=choices.vpc or kept.get("vpc"),
            kms_key=choices.kms_key or kept.get("kms_key"),
            permissions_boundary=choices.permissions_boundary or kept.get("permissions_boundary"),
            tags=choices.tags,
            expire_days=choices.expire_days or kept.get("expire_days") or _EXPIRE_DAYS,
            machines=self._machines(kept),
            alerts=alerts.chosen(choices.alerts, kept.get("alerts", ())),
        )
        if network is None:
            return site
        return replace(
            site,
            vpc=network.vpc,
            subnets=network.subnets,
            assign_public_ip=network.assign_public_ip,
        )

    def _network(self, kept: Mapping[str, Any]) -> Network:
        reuse = {**kept.get("reuse", {}), **self._choices.reuse}
        vpc = self._choices.vpc or kept.get("vpc")
        return network_of(self._account, vpc, listed(reuse.get("subnets", "")))


def _mark(stack: str) -> str:
    """Return the comment behind each value that is written for a stack."""
    return f"setup-aws {stack}"


def _member(kept: Mapping[str, Any]) -> Member:
    """Return who uses a stack, as it is kept there."""
    roles = tuple(map(str, kept.get("roles", ())))
    return Member(owner=str(kept["owner"]), install=str(kept["install"]), roles=roles)


def _roles_of(ecs: EcsSettings) -> tuple[str, ...]:
    """Return the ARNs of all roles that have an alias, each once."""
    arns = [arn for alias in ecs.roles for arn in (alias.task_role, alias.execution_role) if arn]
    return tuple(dict.fromkeys(arns))


def _about(site: Site, network: Network | None) -> list[str]:
    """Return what to mind of a set-up."""
    found = []
    if network is not None and network.way is None:
        found.append(
            f"no way out of {', '.join(network.subnets)} was found: no internet gateway, NAT or "
            "endpoints in their route tables; tasks there could not get their image"
        )
    if "bucket" in site.reuse:
        found.append(f"bucket {site.bucket} is yours: see to its encryption and expiry")
    if "role" in site.reuse and OWNER not in site.task_role_template:
        found.append("one role for all owners reaches the files of all of them")
    return found


def _running(account: Account, cluster: str) -> int:
    """Return how many tasks a cluster has, 100 at most; 0 where there is no such cluster."""
    try:
        return len(account.call("ecs", "ListTasks", cluster=cluster)["taskArns"])
    except AwsError as error:
        if error.kind == "no-cluster":
            return 0
        raise


def _schedules(account: Account, group: str) -> str:
    """Return how many schedules a group has, for people; empty: none, or there is no such group."""
    try:
        page = account.call("scheduler", "ListSchedules", GroupName=group, MaxResults=100)
    except AwsError as error:
        if error.aws_code == "ResourceNotFoundException":
            return ""
        if error.kind == "permission":  # it may be deleted all the same
            return "the schedules"
        raise
    found = len(page["Schedules"])
    more = " or more" if page.get("NextToken") else ""
    return f"{found} schedules{more}" if found else ""


def _words(error: FlotillaError) -> str:
    return error.message if error.next_step is None else f"{error.message} → {error.next_step}"
