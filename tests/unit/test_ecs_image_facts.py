"""What is known of an image that nobody here can run."""

import platform

import pytest

from jupyter_flotilla.engines.ecs import image_facts
from jupyter_flotilla.environment.image import PROBE, facts_of
from jupyter_flotilla.errors import EngineUnavailable
from jupyter_flotilla.model.resources import Arch


class NoDaemon:
    """Docker, where there is none."""

    def image_id(self, image: str) -> str:
        raise EngineUnavailable("the Docker daemon does not answer")

    def run(self, image: str, argv: list[str]) -> tuple[int, str]:
        raise EngineUnavailable("the Docker daemon does not answer")


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_facts, "Daemon", NoDaemon)


@pytest.mark.parametrize(
    ("image", "minor"),
    [
        ("python:3.12-slim", "3.12"),
        ("public.ecr.aws/docker/library/python:3.11-slim", "3.11"),
        ("python:3.10.4", "3.10"),
        ("mirror:5000/python:3.13-slim-bookworm", "3.13"),
    ],
)
@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_dockers_own_images_of_python_are_as_they_are_called(
    image: str, minor: str, arch: Arch
) -> None:
    facts = facts_of(image_facts.KnownImages().ask(image, PROBE, arch))

    assert facts.minor == minor
    assert facts.machine == {"x86_64": "x86_64", "arm64": "aarch64"}[arch]
    assert facts.platform.startswith(f"{facts.machine}-manylinux_2_")


def test_of_this_very_python_the_whole_version_is_known() -> None:
    version = platform.python_version()

    facts = facts_of(image_facts.KnownImages().ask(f"python:{version[:4]}-slim", PROBE, "x86_64"))

    assert facts.python == version


@pytest.mark.parametrize(
    "image",
    ["team/worker:3", "python:3.12-alpine", "python:latest", "python", "mypython:3.12-slim"],
)
def test_what_another_image_has_is_not_guessed(image: str) -> None:
    with pytest.raises(EngineUnavailable, match="is not known") as caught:
        image_facts.KnownImages().ask(image, PROBE, "x86_64")

    assert caught.value.next_step
    assert f"image ask {image}" in caught.value.next_step


def test_an_image_that_is_not_here_is_named_by_its_name() -> None:
    one, other = (
        image_facts.KnownImages().digest("team/worker:3"),
        image_facts.KnownImages().digest("team/worker:4"),
    )

    assert one != other
    assert one == image_facts.KnownImages().digest("team/worker:3")


def test_docker_is_opened_once_however_often_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    class Counted(NoDaemon):
        def __init__(self) -> None:
            opened.append(self)

    monkeypatch.setattr(image_facts, "Daemon", Counted)
    known = image_facts.KnownImages()

    for _ in range(3):
        known.digest("team/worker:3")

    assert len(opened) == 1
