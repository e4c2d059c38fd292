"""What each part of a set-up is, and what it costs while nothing runs."""

from dataclasses import dataclass, replace

from jupyter_flotilla.engines.ecs.gpu import DISK_GIB, IDLE_MINUTES
from jupyter_flotilla.engines.ecs.machines import machine_rate
from jupyter_flotilla.engines.ecs.prices import PriceList, shipped_prices
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.setup.stack.site import Member, Site
from jupyter_flotilla.setup.stack.template import LOG_DAYS

#: A month of one alarm, in all but a few regions; ten of each account are free
#: (aws.amazon.com/cloudwatch/pricing, from memory, 2026-11).
_ALARM_USD = 0.10


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One resource of a set-up."""

    kind: str
    name: str
    #: True where it is somebody else's: neither made nor deleted.
    is_reused: bool
    #: US dollars a month while it is there and nothing runs.
    idle_usd: float
    #: What it is like, and what makes it cost.
    note: str


def parts(site: Site, prices: PriceList | None = None) -> list[Part]:
    """Return every resource of a set-up, with its idle price.

    Parameters
    ----------
    prices
        What machines cost while they are there; None: the list that ships with the package.

    All but alarms cost nothing while nothing runs (aws.amazon.com/ecs/pricing, /s3/pricing,
    /sqs/pricing, /sns/pricing, /eventbridge/pricing, /cloudwatch/pricing, /iam/faqs; from memory
    and third-party copies of 2026-11, except /eventbridge/pricing, which was read).
    """
    found = [
        _part(site, "cluster", "cluster", site.cluster, "Fargate, also Spot; tasks are billed"),
        _part(site, "bucket", "bucket", site.bucket, _bucket_note(site)),
        _part(
            site, "log-group", "log group", site.log_group,
            f"kept {LOG_DAYS} days; about $0.50 a GB that is written",
        ),
        _part(
            site, "execution-role", "execution role", _name(site.execution_role_arn),
            "ECS gets images, logs and secrets below flotilla/ by it",
        ),
    ]  # fmt: skip
    for owner in site.owners():
        note = f"jobs of {owner} reach s3://{site.bucket}/{owner}/runs/ and nothing else"
        name = _name(site.task_role_arn(owner))
        found.append(_part(site, "role", "task role", name, note))
    groups = ", ".join(site.security_groups) or f"{site.stack}, in {site.vpc}"
    found += [
        _part(site, "security-groups", "security group", groups, "nothing comes in"),
        _part(
            site, "", "schedule group", site.schedule_group,
            "schedules that run with the laptop closed; $1 a million starts",
        ),
        _part(site, "", "topic", site.topic_name, _topic_note(site)),
    ]  # fmt: skip
    for owner in site.owners():
        note = f"starts tasks for schedules of {owner}, as their jobs"
        found.append(_part(site, "", "scheduler role", site.scheduler_role_name(owner), note))
    found += _of_machines(site, prices or shipped_prices())
    for member in site.everyone():
        queue, note = site.queue_name(member.install), f"events of the tasks of {member.owner}"
        found += [
            _part(site, "", "queue", queue, f"{note}; about $0.40 a million requests"),
            _part(site, "", "queue", f"{queue}-unread", "events that could not be read"),
            _part(site, "", "rule", site.rule_name(member.install), note),
        ]
        found += _of_alerts(site, member)
    return found


def _of_alerts(site: Site, member: Member) -> list[Part]:
    """Return what tells that a home's schedules go wrong in the cloud."""
    dropped, install = site.dropped_name(member.install), member.install
    alarm = _part(
        site, "", "alarm", dropped, "something is in that queue; an account's first ten are free"
    )
    return [
        _part(site, "", "queue", dropped, "ticks that the scheduler gave up"),
        replace(alarm, idle_usd=_ALARM_USD),
        _part(site, "", "rule", site.failed_rule_name(install), "ticks whose task failed"),
        _part(
            site, "", "rule", site.unstarted_rule_name(install),
            "ticks that started no task; needs a CloudTrail trail in the account",
        ),
    ]  # fmt: skip


def _topic_note(site: Site) -> str:
    if not site.alerts:
        return "failures of schedules in the cloud; nobody is told of them"
    return f"failures of schedules in the cloud, told to {', '.join(site.alerts)}"


def _of_machines(site: Site, prices: PriceList) -> list[Part]:
    """Return what jobs with GPUs run on; nothing is paid for while no machine is there."""
    group = site.machines
    if group is None:
        return []
    rate = machine_rate(group.type, site.region, prices, has_public_ipv4=site.assign_public_ip)
    price = f"at a price that is unknown in {site.region}"
    if rate is not None:
        price = f"{format_money(rate.usd_per_h)} an hour each ({rate.source})"
    note = (
        f"0 to {group.most} {group.type}, {price}; from the first job with --gpu until about "
        f"{IDLE_MINUTES} minutes after the last"
    )
    return [
        _part(site, "", "machines", site.machine_group, note),
        _part(
            site, "", "launch template", site.machine_group,
            f"ECS's newest image for GPUs, a disk of {DISK_GIB} GiB (about a cent an hour)",
        ),
        _part(site, "", "capacity provider", site.machine_provider, "starts and ends them"),
        _part(site, "", "machine role", site.machine_role_name, "joins the cluster; no more"),
    ]  # fmt: skip


def total(found: list[Part]) -> float:
    """Return what all of it costs a month, in US dollars, while nothing runs."""
    return sum(part.idle_usd for part in found)


def _part(site: Site, reuse: str, kind: str, name: str, note: str) -> Part:
    is_reused = reuse in site.reuse
    words = "yours, as it is" if is_reused else note
    return Part(kind=kind, name=name, is_reused=is_reused, idle_usd=0.0, note=words)


def _bucket_note(site: Site) -> str:
    key = f"encrypted by {site.kms_key}" if site.kms_key else "encrypted (SSE-S3)"
    return f"{key}; files of runs go after {site.expire_days} days; about $0.023 a GB and month"


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
