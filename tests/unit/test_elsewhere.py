"""A retry on another engine: what moves, what is left behind, what is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.elsewhere import moved
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.environment import ImageFacts, Lock, Requirements
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.provision import Provisioned, _is_of_other
from jupyter_flotilla.testing.fake_engine import FakeEngine

_BUCKET = Bucket(url="s3://b/me", region="us-east-1")


class _Here(FakeEngine):
    """Runs jobs in containers of this machine."""

    name = "small"
    is_here = False
    image = "python:3.12-slim"
    honours: ClassVar = frozenset({"image", "network", "gpu"})


class _There(FakeEngine):
    """Runs jobs elsewhere, on whatever is asked for."""

    name = "large"
    is_here = False
    image = "registry/python:3.12"
    place = "there"
    bucket = _BUCKET
    honours: ClassVar = frozenset({"image", "network", "role", "spot", "arch", "disk"})
    default_timeout_s = 3600
    default_resources: ClassVar = Resources(memory_mib=4096)


@pytest.fixture
def here(tmp_path: Path) -> Engine:
    return _Here(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Engine:
    return _There(tmp_path / "there")


def _spec(engine: Engine, **fields: Any) -> JobSpec:
    given: dict[str, Any] = {
        "kind": "command", "name": "job", "command": ("true",), "cwd": "/", "interpreter": "python",
        "engine": engine.name, "place": engine.place, "image": engine.image,
        "bucket": engine.bucket,
    }  # fmt: skip
    return JobSpec(**(given | fields))


def test_a_job_gets_the_place_the_bucket_and_the_usual_limits_of_where_it_goes(
    here: Engine, there: Engine
) -> None:
    spec, notes = moved(_spec(here), here, there)

    assert (spec.engine, spec.place, spec.bucket) == ("large", "there", _BUCKET)
    assert (spec.timeout_s, spec.resources.memory_mib) == (3600, 4096)
    assert notes == ("frozen for small",)


def test_what_was_asked_for_stays(here: Engine, there: Engine) -> None:
    asked = _spec(
        here, timeout_s=60, resources=Resources(cpu=2, memory_mib=512), tags={"team": "a"}
    )

    spec, _ = moved(asked, here, there)

    assert (spec.timeout_s, spec.resources, spec.tags) == (60, asked.resources, {"team": "a"})


@pytest.mark.parametrize(
    ("image", "then"),
    [("python:3.12-slim", "registry/python:3.12"), ("mine:1", "mine:1")],
    ids=["the usual one is exchanged", "a chosen one stays"],
)
def test_its_image(here: Engine, there: Engine, image: str, then: str) -> None:
    spec, _ = moved(_spec(here, image=image), here, there)

    assert spec.image == then


def test_names_of_the_other_engine_are_left_behind_and_said(here: Engine, there: Engine) -> None:
    spec, notes = moved(_spec(there, network="inner", role="writer"), there, here)

    assert (spec.network, spec.role, spec.bucket) == (None, None, None)
    assert "--network inner was a name on large" in notes[1]
    assert "--role writer was a name on large" in notes[2]


@pytest.mark.parametrize(
    ("field", "value", "option"),
    [("spot", True, "--spot"), ("arch", "arm64", "--arch"), ("disk_gib", 50, "--disk")],
)
def test_what_only_the_other_engine_can_give_is_left_out_and_said(
    here: Engine, there: Engine, field: str, value: object, option: str
) -> None:
    spec, notes = moved(_spec(there, resources=Resources(**{field: value})), there, here)

    assert spec.resources == Resources()
    assert any(note.startswith(f"{option} is left out") for note in notes)


def test_a_gpu_is_not_left_out(here: Engine, there: Engine) -> None:
    with pytest.raises(InvalidOption, match="--gpu 2"):
        moved(_spec(here, resources=Resources(gpu=2)), here, there)


@pytest.mark.parametrize("which", ["from", "to"])
def test_a_job_of_this_machine_itself_does_not_move(
    here: Engine, tmp_path: Path, which: str
) -> None:
    process = FakeEngine(tmp_path / "fake")
    ends: Mapping[str, tuple[Engine, Engine]] = {"from": (process, here), "to": (here, process)}
    before, after = ends[which]

    with pytest.raises(InvalidOption, match=f"frozen for {before.name} runs there only") as found:
        moved(_spec(before), before, after)

    assert f"jupyter flotilla run --engine {after.name}" in str(found.value.next_step)


@pytest.mark.parametrize(
    ("machine", "arch", "is_other"),
    [
        ("x86_64", "x86_64", False),
        ("x86_64", "arm64", True),
        ("aarch64", "arm64", False),
        ("aarch64", "x86_64", True),  # frozen for a machine like a Mac
    ],
)
def test_packages_for_another_kind_of_machine_are_resolved_again(
    there: Engine, here: Engine, machine: str, arch: Literal["x86_64", "arm64"], is_other: bool
) -> None:
    found = Provisioned(
        requirements=Requirements(origin="list"),
        facts=ImageFacts(
            python="3.12.1", executable="python3", machine=machine, libc=("glibc", "2.36")
        ),
        lock=Lock.model_construct(),
    )
    draft = Draft(spec=_spec(there, resources=Resources(arch=arch)))

    assert _is_of_other(found, draft, there) is is_other
    assert not _is_of_other(found, draft, here), "its jobs have the machine that there is"
    assert not _is_of_other(None, draft, there)
