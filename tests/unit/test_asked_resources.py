"""`capture.draft`: what options ask for, and of which engine."""

import pytest

from jupyter_flotilla.capture.draft import asked_resources, check_honoured
from jupyter_flotilla.engines.process.engine import ProcessEngine
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.settings import Settings

EARLIER = Resources(cpu=2, memory_mib=4096, gpu=1, spot=True, arch="arm64", disk_gib=50)


def test_options_that_say_nothing_change_nothing():
    assert asked_resources(JobOptions(), EARLIER) == EARLIER


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"cpu": 4}, {"cpu": 4}),
        ({"memory_mib": 512}, {"memory_mib": 512}),
        ({"gpu": 0}, {"gpu": 0}),
        ({"spot": False}, {"spot": False}),
        ({"arch": "x86_64"}, {"arch": "x86_64"}),
        ({"disk_gib": 100}, {"disk_gib": 100}),
        ({"disk_gib": 20}, {"disk_gib": None}),
    ],
    ids=str,
)
def test_each_option_changes_its_own_field(options, changed):
    assert asked_resources(JobOptions(**options), EARLIER) == EARLIER.model_copy(update=changed)


@pytest.mark.parametrize(
    ("options", "flag"),
    [({"spot": True}, "--spot"), ({"arch": "arm64"}, "--arch"), ({"disk_gib": 50}, "--disk")],
    ids=lambda value: str(value),
)
def test_processes_of_this_machine_have_no_spot_arch_or_disk(tmp_path, options, flag):
    engine = ProcessEngine(Settings(home=tmp_path))

    with pytest.raises(InvalidOption, match=f"{flag}: jobs of engine process") as caught:
        check_honoured(JobOptions(**options), engine)

    assert "--engine ecs" in caught.value.next_step


def test_on_demand_is_what_every_engine_has(tmp_path):
    check_honoured(JobOptions(spot=False), ProcessEngine(Settings(home=tmp_path)))
