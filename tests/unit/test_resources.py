"""`model.resources`: which Fargate task a job would be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jupyter_flotilla.model.resources import (
    FARGATE_SIZES,
    FargateSize,
    Resources,
    fargate_size,
    is_rounded_up,
)

GIB = 1024
ALL_SIZES = [(cpu, mib) for cpu, memories in FARGATE_SIZES.items() for mib in memories]
ANY_RESOURCES = st.builds(
    Resources,
    cpu=st.one_of(st.sampled_from(sorted(FARGATE_SIZES)), st.floats(0.01, 40)),
    memory_mib=st.one_of(
        st.sampled_from([mib + d for _, mib in ALL_SIZES for d in (-1, 0, 1)]),
        st.integers(1, 260 * GIB),
    ),
)


@pytest.mark.parametrize(
    ("cpu", "smallest", "largest", "count"),
    [
        (0.25, 512, 2 * GIB, 3),
        (0.5, GIB, 4 * GIB, 4),
        (1, 2 * GIB, 8 * GIB, 7),
        (2, 4 * GIB, 16 * GIB, 13),
        (4, 8 * GIB, 30 * GIB, 23),
        (8, 16 * GIB, 60 * GIB, 12),
        (16, 32 * GIB, 120 * GIB, 12),
        (32, 60 * GIB, 244 * GIB, 3),
    ],
    ids=lambda value: str(value),
)
def test_fargate_table_is_the_documented_one(cpu, smallest, largest, count):
    memories = FARGATE_SIZES[cpu]

    assert (memories[0], memories[-1], len(memories)) == (smallest, largest, count)


def test_fargate_table_has_no_other_vcpu_and_is_ascending():
    assert list(FARGATE_SIZES) == [0.25, 0.5, 1, 2, 4, 8, 16, 32]
    assert all(list(memories) == sorted(set(memories)) for memories in FARGATE_SIZES.values())


@given(ANY_RESOURCES)
def test_fargate_size_is_legal(resources):
    size = fargate_size(resources)

    assert size is None or (size.cpu, size.memory_mib) in ALL_SIZES


@given(ANY_RESOURCES)
def test_fargate_size_is_never_smaller_than_asked(resources):
    size = fargate_size(resources)

    assert size is None or (
        size.cpu >= resources.cpu and size.memory_mib >= (resources.memory_mib or 0)
    )


@given(ANY_RESOURCES)
def test_fargate_size_has_the_fewest_vcpu_then_the_least_memory_that_fit(resources):
    fitting = [
        (cpu, mib)
        for cpu, mib in ALL_SIZES
        if cpu >= resources.cpu and mib >= (resources.memory_mib or 0)
    ]

    size = fargate_size(resources)

    assert (size and (size.cpu, size.memory_mib)) == min(fitting, default=None)


@given(ANY_RESOURCES)
def test_fargate_size_is_the_cheapest_that_fits(resources):
    def price(cpu, mib):
        return cpu * 0.04048 + mib / GIB * 0.004445

    fitting = [
        price(cpu, mib)
        for cpu, mib in ALL_SIZES
        if cpu >= resources.cpu and mib >= (resources.memory_mib or 0)
    ]

    size = fargate_size(resources)

    assert (size and price(size.cpu, size.memory_mib)) == min(fitting, default=None)


@pytest.mark.parametrize(("cpu", "memory_mib"), ALL_SIZES, ids=str)
def test_a_legal_size_is_its_own_fargate_size(cpu, memory_mib):
    asked = Resources(cpu=cpu, memory_mib=memory_mib)

    size = fargate_size(asked)

    assert size == FargateSize(cpu=cpu, memory_mib=memory_mib)
    assert not is_rounded_up(asked, size)


@pytest.mark.parametrize(
    ("cpu", "memory_mib"),
    [
        pytest.param(32.01, 1024, id="vCPU"),
        pytest.param(1, 244 * GIB + 1, id="memory"),
        pytest.param(1024, 2**40, id="both"),
    ],
)
def test_no_task_is_larger_than_32_vcpu_and_244_gib(cpu, memory_mib):
    assert fargate_size(Resources(cpu=cpu, memory_mib=memory_mib)) is None


def test_job_without_memory_is_priced_as_4_gib():
    assert fargate_size(Resources()) == FargateSize(cpu=1, memory_mib=4 * GIB)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(Resources(cpu=3, memory_mib=8 * GIB), id="vCPU"),
        pytest.param(Resources(cpu=1, memory_mib=2 * GIB + 1), id="memory"),
        pytest.param(Resources(cpu=1, memory_mib=9 * GIB), id="memory that needs more vCPU"),
    ],
)
def test_size_above_what_was_asked_is_said_to_be_rounded_up(asked):
    assert is_rounded_up(asked, fargate_size(asked))


def test_memory_that_was_not_asked_for_is_not_rounded_up():
    asked = Resources(cpu=2)

    assert not is_rounded_up(asked, fargate_size(asked))


@pytest.mark.parametrize("row", [{}, {"cpu": 2.0, "memory_mib": 4096, "gpu": 0}], ids=str)
def test_rows_of_older_versions_are_on_demand_x86_with_the_included_disk(row):
    loaded = Resources.model_validate(row)

    assert (loaded.spot, loaded.arch, loaded.disk_gib) == (False, "x86_64", None)


@pytest.mark.parametrize("disk_gib", [21, 200])
def test_legal_disks_are_21_to_200_gib(disk_gib):
    assert Resources(disk_gib=disk_gib).disk_gib == disk_gib


@pytest.mark.parametrize(
    "fields", [{"disk_gib": 20}, {"disk_gib": 201}, {"arch": "amd64"}], ids=str
)
def test_resources_that_no_task_can_have_are_refused(fields):
    with pytest.raises(ValidationError):
        Resources(**fields)
