"""``jupyter flotilla setup-aws``."""

import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import click

from jupyter_flotilla.commands.dispatch import renew_dispatcher
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.engines.ecs.machines import DEFAULT_MACHINE
from jupyter_flotilla.engines.ecs.prices import load_prices
from jupyter_flotilla.errors import FlotillaError, InvalidOption, Refused
from jupyter_flotilla.settings import Settings, load_settings, settings_file
from jupyter_flotilla.setup import alerts
from jupyter_flotilla.setup.deployment import refuse
from jupyter_flotilla.setup.idle import Part, parts, total
from jupyter_flotilla.setup.set_up import Choices, Planned, SetUp
from jupyter_flotilla.setup.settings_file import changes
from jupyter_flotilla.setup.stack import machines, policies
from jupyter_flotilla.setup.stack.site import REUSABLE, Site
from jupyter_flotilla.setup.stack.template import template

#: Files of ``--out``.
TEMPLATE, SUBMIT, ADMIN = "flotilla-aws.json", "submit-policy.json", "admin-policy.json"
ADMIN_GPU = "admin-gpu-policy.json"
#: What ``--gpu`` without a type is: no type has this name.
_USUAL = "usual"
_PARTS = "; ".join(f"{name}: {what}" for name, what in REUSABLE.items())


@click.command(name="setup-aws")
@click.option(
    "--plan",
    "step",
    flag_value="plan",
    default="plan",
    help="Show what would be made; changes nothing.  [default]",
)
@click.option("--apply", "step", flag_value="apply", help="Make or change it.")
@click.option("--remove", "step", flag_value="remove", help="Delete it; asks before.")
@click.option("--stack-name", default="flotilla", show_default=True, metavar="NAME")
@click.option("--region", metavar="NAME", help="AWS region.  [default: of the settings]")
@click.option("--profile", metavar="NAME", help="AWS profile, now and for jobs.")
@click.option("--owner", metavar="NAME", help="Whose jobs these are.  [default: your user name]")
@click.option(
    "--use",
    multiple=True,
    metavar="PART=VALUE",
    help=f"Use what there is; can be repeated. {_PARTS}.",
)
@click.option("--vpc", metavar="ID", help="VPC of the tasks.  [default: the default VPC]")
@click.option("--permissions-boundary", metavar="ARN", help="Of all roles that are made.")
@click.option("--tags", multiple=True, metavar="K=V", help="Of all that is made; can be repeated.")
@click.option("--kms-key", metavar="ARN", help="Encrypts the bucket, in place of SSE-S3.")
@click.option(
    "--expire-days",
    type=click.IntRange(1, 3650),
    metavar="N",
    help="Days until files of runs are deleted.  [default: 30]",
)
@click.option(
    "--gpu",
    is_flag=False,
    flag_value=_USUAL,
    metavar="[TYPE]",
    help="Machines for jobs with --gpu, there only while such jobs are; 'none' takes them away.  "
    f"[type: {DEFAULT_MACHINE}]",
)
@click.option(
    "--gpu-machines",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Most of those at a time.  [default: 1]",
)
@click.option(
    "--alert",
    multiple=True,
    metavar="EMAIL",
    help="AWS mails it when a schedule's run fails in the cloud; can be repeated; 'none': nobody.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="With --plan: write template and policies there, for an administrator.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def setup_aws(
    step: Literal["plan", "apply", "remove"],
    stack_name: str,
    region: str | None,
    profile: str | None,
    owner: str | None,
    use: tuple[str, ...],
    vpc: str | None,
    permissions_boundary: str | None,
    tags: tuple[str, ...],
    kms_key: str | None,
    expire_days: int | None,
    gpu: str | None,
    gpu_machines: int | None,
    alert: tuple[str, ...],
    out: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Set up ECS in an AWS account: one CloudFormation stack, $0.00 while nothing runs.

    But for an alarm for each home, $0.10 a month, of which an account's first ten are free.

    Apply it again at any time: what is there stays, what was chosen before counts, and another
    home or owner joins.
    """  # fmt: skip
    settings = _settings(region, profile)
    choices = Choices(
        owner=owner or settings.ecs.owner or _user(),
        stack=stack_name,
        profile=profile,
        vpc=vpc,
        reuse=_pairs("--use", use),
        kms_key=kms_key,
        permissions_boundary=permissions_boundary,
        tags=_pairs("--tags", tags),
        expire_days=expire_days,
        gpu="" if gpu == _USUAL else gpu,
        gpu_machines=gpu_machines,
        alerts=alert,
    )
    set_up = SetUp(settings, choices, settings_file(), say)
    if step == "plan":
        _plan(set_up, settings, out, as_json)
        return
    before = _content(settings_file())
    if step == "apply":
        applied = set_up.apply(_asking("Change it?", yes))
        for warning in applied.warnings:
            say(f"  ! {warning}")
        say(alerts.words(applied.site.alerts))
    else:
        set_up.remove(_asking("Delete it?", yes))
    if _content(settings_file()) != before:
        _renew_dispatcher()
    if step == "apply":
        say("next: jupyter flotilla doctor --engine ecs --smoke")


def _renew_dispatcher() -> None:
    """Have jobs go by what was written: a dispatcher goes by what it has found at its start."""
    try:
        if renew_dispatcher(flotilla()):
            say("the dispatcher leaves for one that goes by these settings; jobs go on")
    except FlotillaError as problem:  # what was asked for is done
        say(f"the dispatcher goes on by the old settings: {problem}")
        say("next: jupyter flotilla dispatch --stop")


def _content(path: Path) -> bytes:
    """Return what is in a file; empty: it is not there, or cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _plan(set_up: SetUp, settings: Settings, out: Path | None, as_json: bool) -> None:
    prices = load_prices(settings.home)
    planned = set_up.plan()
    site = planned.site
    values = set_up.values(site, {})
    if out is not None:
        _write(out, planned)
    if as_json:
        print_json({
            "stack": site.stack, "status": planned.status, "warnings": planned.warnings,
            "parts": [{"kind": p.kind, "name": p.name, "is_reused": p.is_reused,
                       "idle_usd": p.idle_usd, "note": p.note} for p in parts(site, prices)],
            "settings": values, "template": template(site), "alerts": site.alerts,
            "policies": _policies(site),
        })  # fmt: skip
        return
    _show(planned, parts(site, prices))
    echo(f"\nWritten to {settings_file()} by --apply:")
    for name, old, new in changes(settings_file(), values):
        echo(f"  {name} = {json.dumps(new)}" + ("" if old is None else f"   (now {old!r})"))
    if out is not None:
        echo(f"\nTemplate and policies: {out}")
    else:
        _show_policy("submit: for whoever submits jobs", policies.submit(site))
        _show_policy("admin: for whoever applies and removes this, once", policies.admin(site))
        if site.machines is not None:
            _show_policy("admin-gpu: for the same, besides", machines.admin_policy(site))
    echo(f"\nAlerts: {alerts.words(site.alerts)}")
    for warning in planned.warnings:
        echo(f"! {warning}")
    echo("\nMake it: the same with --apply. Nothing was changed.")


def _show(planned: Planned, found: list[Part]) -> None:
    site = planned.site
    status = planned.status or "not there yet"
    echo(f"Stack {site.stack} in {site.region}, account {site.account} ({status})\n")
    kinds, names = (max(len(text) for text in c) for c in ([p.kind for p in found],
                                                           [p.name for p in found]))  # fmt: skip
    for part in found:
        price = f"${part.idle_usd:.2f}"
        echo(f"  {part.kind:<{kinds}}  {part.name:<{names}}  {price}  {part.note}")
    echo(f"  {'total a month while nothing runs':<{kinds + names + 2}}  ${total(found):.2f}")
    network = planned.network
    if network is not None:
        whose = "default VPC" if network.is_default else "VPC"
        way = {"internet": "a public address for each task, $0.005 an hour while it runs",
               "nat": "through the NAT or gateway of theirs",
               "endpoints": "to AWS alone, through endpoints", None: "no way out"}  # fmt: skip
        echo(f"\nTasks are in {whose} {network.vpc}: {way[network.way]}")
        for subnet, zone in zip(network.subnets, network.zones, strict=True):
            echo(f"  {subnet}  {zone}")


def _policies(site: Site) -> dict[str, policies.Policy]:
    """Return what people need, by name."""
    needed = {"submit": policies.submit(site), "admin": policies.admin(site)}
    return needed | ({} if site.machines is None else {"admin-gpu": machines.admin_policy(site)})


def _show_policy(title: str, policy: policies.Policy) -> None:
    echo(f"\nPolicy {title} ({policies.size(policy):,} of 6,144 characters)")
    statements = [json.dumps(statement) for statement in policy["Statement"]]
    echo('{"Version": "2012-10-17", "Statement": [\n ' + ",\n ".join(statements) + "\n]}")


def _write(folder: Path, planned: Planned) -> None:
    site = planned.site
    names = {"submit": SUBMIT, "admin": ADMIN, "admin-gpu": ADMIN_GPU}
    made = {TEMPLATE: template(site)}
    made |= {names[name]: policy for name, policy in _policies(site).items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in made.items():
            (folder / name).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidOption(
            f"--out {folder}: {error.strerror}", next_step="name a folder of yours"
        ) from error


def _settings(region: str | None, profile: str | None) -> Settings:
    settings = load_settings()
    if region is not None:
        settings = settings.model_copy(update={"region": region})
    if profile is not None:
        ecs = settings.ecs.model_copy(update={"profile": profile})
        settings = settings.model_copy(update={"ecs": ecs})
    return settings


def _pairs(option: str, given: Sequence[str]) -> Mapping[str, str]:
    pairs = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise InvalidOption(
                f"{option} {one!r} is no NAME=VALUE", next_step=f"{option} NAME=VALUE"
            )
        pairs[name] = value
    return pairs


def _asking(question: str, yes: bool) -> Callable[[Sequence[str]], None]:
    """Return what asks about something harsh; raises Refused where that is not agreed to."""

    def agree(harsh: Sequence[str]) -> None:
        if yes:
            return
        if not sys.stdin.isatty():
            refuse(harsh)
        for one in harsh:
            say(f"  ! {one}")
        if not click.confirm(question, err=True):
            raise Refused("nothing was changed")

    return agree


def _user() -> str:
    """Return this user's name in letters that names of AWS have."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-_.")[:32] or "me"
