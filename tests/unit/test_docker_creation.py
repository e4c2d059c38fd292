"""What a container is asked to be made with, by what was ordered and what the daemon is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.docker.creation import body
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.resources import Resources

_GIB = 2**30


@pytest.fixture
def host_config(make_spec: Callable[..., JobSpec]) -> Callable[..., dict[str, Any]]:
    """The HostConfig of a job by its resources; ``daemon`` is what the daemon says of itself."""

    def made(
        resources: Resources, *, daemon: dict[str, Any] | None = None, **fields: Any
    ) -> dict[str, Any]:
        order = LaunchOrder(
            run_id="r1",
            launch_key="r1-1",
            spec=make_spec(engine="docker", image="python", resources=resources, **fields),
            resources=resources,
            max_cost_usd=None,
            input_folder=Path("/in put"),
            attempt_folder=Path("/atte:mpt"),
            rate=None,
        )
        info = {"NCPU": 4, "MemTotal": 16 * _GIB, "SecurityOptions": ["name=seccomp"]}
        made = body(order, Path("/runner"), "home", info | (daemon or {}))
        config: dict[str, Any] = made["HostConfig"] | {"User": made["User"]}
        return config

    return made


HostConfig = Callable[..., dict[str, Any]]


def test_a_memory_limit_is_set_without_swap_on_top(host_config: HostConfig) -> None:
    config = host_config(Resources(cpu=1, memory_mib=2048))

    assert (config["Memory"], config["MemorySwap"]) == (2 * _GIB, 2 * _GIB)


def test_a_cpu_limit_is_set_where_it_was_asked_for(host_config: HostConfig) -> None:
    config = host_config(Resources(cpu=1.5), has_cpu_hint=True)

    assert config["NanoCpus"] == 1_500_000_000


def test_a_cpu_limit_is_not_above_what_there_is(host_config: HostConfig) -> None:
    config = host_config(Resources(cpu=16), has_cpu_hint=True)

    assert config["NanoCpus"] == 4_000_000_000


def test_gpus_are_asked_for_by_their_number(host_config: HostConfig) -> None:
    config = host_config(Resources(cpu=1, gpu=2))

    assert config["DeviceRequests"] == [{"Count": 2, "Capabilities": [["gpu"]]}]


def test_nothing_is_limited_that_nobody_limits(host_config: HostConfig) -> None:
    config = host_config(Resources())

    assert not {"Memory", "MemorySwap", "NanoCpus", "DeviceRequests"} & config.keys()


def test_shared_memory_is_half_of_the_machines_where_there_is_no_limit(
    host_config: HostConfig,
) -> None:
    assert host_config(Resources())["ShmSize"] == 8 * _GIB


@pytest.mark.parametrize(("cpus", "most"), [(2, 4096), (64, 16384)])
def test_the_number_of_processes_grows_with_the_machine(
    host_config: HostConfig, cpus: int, most: int
) -> None:
    assert host_config(Resources(), daemon={"NCPU": cpus})["PidsLimit"] == most


def test_a_rootless_daemons_root_is_the_user(host_config: HostConfig) -> None:
    config = host_config(Resources(), daemon={"SecurityOptions": ["name=rootless"]})

    assert config["User"] == "0:0"


def test_a_daemon_that_remaps_users_leaves_ours_as_they_are(host_config: HostConfig) -> None:
    config = host_config(Resources(), daemon={"SecurityOptions": ["name=userns"]})

    assert config["UsernsMode"] == "host"


def test_a_job_sees_its_own_control_group_only(host_config: HostConfig) -> None:
    assert host_config(Resources(), daemon={"CgroupVersion": "2"})["CgroupnsMode"] == "private"
