"""``jupyter flotilla image``: worker images, on which jobs need nothing brought."""

import re
import shlex
import time
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from jupyter_flotilla import __version__
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.consent import resolve
from jupyter_flotilla.commands.deps import draft_of
from jupyter_flotilla.commands.lines import start_of_line
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.commands.tables import Column, print_table
from jupyter_flotilla.engines.docker.image_store import ImageStore, StoredImage
from jupyter_flotilla.environment import KERNEL
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.images import (
    BASE_LABEL,
    LOCK_LABEL,
    PACKAGES_LABEL,
    PYTHON_LABEL,
    ImagePlan,
    build_image,
    dockerfile,
    plan_image,
    still_brought,
)
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.resources import Arch
from jupyter_flotilla.model.units import format_bytes, format_duration
from jupyter_flotilla.service import Flotilla

_ENGINE = "docker"
_SHOWN = 6
_WIDTH = 76
#: As Docker has it: lower case, a tag after the colon, perhaps a host with its port before.
_TAG = r"(?!.*//)[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"


@click.group()
def image() -> None:
    """Build and list worker images: jobs on one start at once, with nothing brought."""


@image.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--base", metavar="IMAGE", help="Image to begin with. [default: as of jobs]")
@options.some_job_options("deps", "with")
@click.option("--tag", metavar="NAME", help="Another name for it, e.g. team/worker:2.")
@click.option("--dry-run", is_flag=True, help="Show what would be in it, and stop.")
@click.option("--print-dockerfile", is_flag=True, help="Print the Dockerfile, and stop.")
def build(
    file: Path | None,
    base: str | None,
    tag: str | None,
    dry_run: bool,
    print_dockerfile: bool,
    **keywords: Any,
) -> None:
    """Build an image that has what the jobs of a notebook or Python file need.

    Without FILE: what --deps and --with say, or the lock of this folder, and what runs notebooks.

    \b
    jupyter flotilla image build train.ipynb
    jupyter flotilla image build --deps requirements.lock --base python:3.12-slim --tag team/worker
    """
    facade, images = flotilla(), ImageStore()
    given = {**options.given(keywords), "engine": _ENGINE}
    values = resolve(facade, given | ({"image": base} if base else {}), file).values(OPTIONS)
    usual = values.get("image") or facade.engine(_ENGINE).image
    asked = JobOptions(
        engine=_ENGINE,
        image=usual if base else _base_of(usual, images),
        deps=values.get("deps"),
        extra_deps=values.get("extra_deps", ()),
    )
    also = None if tag is None else _checked(tag)
    plan = plan_image(
        draft_of(facade, file, asked), images, utc_now(), version=__version__, also=also
    )
    if print_dockerfile:
        echo(dockerfile(plan.recipe).rstrip())
        return
    _say_plan(plan)
    if plan.is_needless:
        say(f"  nothing to build: use --image {plan.recipe.base}")
    elif dry_run:
        say("  dry run: nothing was built")
    else:
        _build(facade, plan, images, file)


@image.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def ls(as_json: bool) -> None:
    """List the worker images that Docker has here, newest first."""
    found = ImageStore().labelled(LOCK_LABEL)
    if as_json:
        print_json([_as_dict(one) for one in found])
        return
    if not found:
        say("No worker images yet. Try: jupyter flotilla image build")
        return
    columns = [
        Column(heading="image", least=24), Column(heading="python"), Column(heading="packages"),
        Column(heading="size"), Column(heading="built", leaves=2),
        Column(heading="from", least=12, leaves=1),
    ]  # fmt: skip
    print_table(columns, [_cells(one, tag) for one in found for tag in one.tags])


def _base_of(usual: str | None, images: ImageStore) -> str | None:
    """Return what the image of jobs was built from, where it is one of ours: none grows on it."""
    known = None if usual is None else images.find(usual)
    return usual if known is None else known.labels.get(BASE_LABEL, usual)


def _checked(tag: str) -> str:
    if re.fullmatch(_TAG, tag) is None:
        raise InvalidOption(
            f"--tag {tag[:60]!r} is no name for an image",
            next_step="--tag team/worker:2: lower case, digits, '.', '_', '-', '/'",
        )
    return tag


def _say_plan(plan: ImagePlan) -> None:
    found = plan.found
    say(f"{plan.name} from {plan.recipe.base}: {found.facts}")
    named = [*found.requirements.requirements[:_SHOWN], *KERNEL]
    count = len(found.lock.packages)
    say(f"  {count} packages: {', '.join(named)} and what they need" if count
        else "  it has all that is needed")  # fmt: skip
    for note in (*found.requirements.notes, *found.lock.notes):
        say(f"  note: {note}")


def _say_step(line: str) -> None:
    """Tell a step that takes time."""
    if re.match(r"Step \S+ : (?!FROM|COPY|RUN)", line) is None:
        say(f"  {start_of_line(line, _WIDTH)}")


def _build(facade: Flotilla, plan: ImagePlan, images: ImageStore, file: Path | None) -> None:
    began = time.monotonic()
    engine = facade.engine(_ENGINE)
    built = build_image(plan, facade.artifacts.layers, engine, images, _say_step)
    took = format_duration(time.monotonic() - began)
    base = images.find(plan.recipe.base)
    added = f", {format_bytes(built.size - base.size)} of it packages" if base else ""
    say(f"ready in {took}: {format_bytes(built.size)}{added}")
    brought = still_brought(plan, facade.provision, engine)
    say(f"  checked: jobs on it bring {', '.join(brought) or 'no packages'}")
    job = shlex.quote(str(file or "FILE.ipynb"))
    say(f"  jupyter flotilla run {job} --engine docker --image {plan.name}")


def _as_dict(image: StoredImage) -> dict[str, Any]:
    labels = image.labels
    return {
        "id": image.id,
        "tags": image.tags,
        "python": labels.get(PYTHON_LABEL),
        "packages": int(labels.get(PACKAGES_LABEL, 0)),
        "bytes": image.size,
        "created_at": image.created_at.isoformat(),
        "base": labels.get(BASE_LABEL),
        "lock": labels.get(LOCK_LABEL),
    }


def _cells(image: StoredImage, tag: str) -> list[Text]:
    labels = image.labels
    age = format_duration((utc_now() - image.created_at).total_seconds())
    return [
        Text(tag), Text(labels.get(PYTHON_LABEL, "")), Text(labels.get(PACKAGES_LABEL, "")),
        Text(format_bytes(image.size)), Text(f"{age} ago"), Text(labels.get(BASE_LABEL, "")),
    ]  # fmt: skip


@image.command()
@click.argument("name")
@click.option("--engine", default="auto", show_default=True, help="Whose jobs will run in it.")
@click.option("--arch", type=click.Choice(["x86_64", "arm64"]), default="x86_64", show_default=True)
def ask(name: str, engine: str, arch: Arch) -> None:
    """Ask an image what it has, where that is not known here, and keep the answer.

    On ECS without Docker here: by a small task, in about a minute, for less than a cent.

    \b
    jupyter flotilla image ask 123456789012.dkr.ecr.eu-west-1.amazonaws.com/team:3 --engine ecs
    """
    facade = flotilla()
    chosen = facade.engine(engine)
    if "image" not in chosen.honours:
        raise InvalidOption(
            f"--engine {chosen.name}: its jobs run in no image", next_step="--engine docker or ecs"
        )
    say(f"asking {name} on {chosen.name} …")
    facts = facade.provision.learn(name, chosen, arch)
    echo(f"{name}: {facts}, {len(facts.dists)} packages")
