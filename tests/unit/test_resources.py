"""`model.resources`: which Fargate task a job would be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jupyter_flotilla.model.resources import (
    FARGATE_SIZES,
    FargateSize,
    Resources,
    doubled,
    fargate_size,
    is_rounded_up,
    next_legal,
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


#: (vCPU, GiB) that was out of memory → what is tried next. Each step is 1.5 to 2 times the memory
#: at the fewest vCPU, but for the last, since nothing lies between 120 and 244 GiB.
NEXT_SIZES = [
    ((0.25, 0.5), (0.25, 1)),
    ((0.25, 1), (0.25, 2)),
    ((0.25, 2), (0.5, 4)),
    ((0.5, 3), (1, 6)),
    ((0.5, 4), (1, 8)),
    ((1, 2), (1, 4)),
    ((1, 5), (1, 8)),
    ((1, 7), (2, 14)),
    ((1, 8), (2, 16)),
    ((2, 16), (4, 30)),
    ((4, 8), (4, 16)),
    ((4, 30), (8, 60)),
    ((8, 16), (8, 32)),
    ((8, 32), (8, 60)),
    ((8, 60), (16, 120)),
    ((16, 32), (16, 64)),
    ((16, 64), (16, 120)),
    ((16, 88), (16, 120)),
    ((16, 104), (32, 244)),
    ((16, 120), (32, 244)),
    ((32, 60), (32, 120)),
    ((32, 120), (32, 244)),
]


@pytest.mark.parametrize(("failed", "expected"), NEXT_SIZES, ids=str)
def test_next_size_after_out_of_memory(failed, expected):
    larger = next_legal(Resources(cpu=failed[0], memory_mib=int(failed[1] * GIB)))

    assert (larger.cpu, larger.memory_mib) == (expected[0], expected[1] * GIB)


@pytest.mark.parametrize("cpu", [0.25, 1, 32])
def test_there_is_no_size_after_244_gib(cpu):
    assert next_legal(Resources(cpu=cpu, memory_mib=244 * GIB)) is None


@pytest.mark.parametrize(
    ("gib", "cap_gib", "expected"), [(60, 100, 96), (60, 64, 64), (60, 63, None), (60, 60, None)]
)
def test_next_size_stays_below_the_cap(gib, cap_gib, expected):
    larger = next_legal(Resources(cpu=8, memory_mib=gib * GIB), cap_gib * GIB)

    assert (larger and larger.memory_mib) == (expected and expected * GIB)


def test_next_size_of_a_job_without_memory_is_after_what_it_was_priced_as():
    assert next_legal(Resources()).memory_mib == 8 * GIB


@given(ANY_RESOURCES, st.none() | st.integers(1, 260 * GIB))
def test_next_size_is_legal_larger_below_the_cap_and_else_the_same(resources, cap_mib):
    larger = next_legal(resources, cap_mib)

    if larger is not None:
        assert fargate_size(larger).memory_mib == larger.memory_mib
        assert larger.cpu == max(resources.cpu, fargate_size(larger).cpu)
        assert larger.memory_mib > (resources.memory_mib or 4 * GIB)
        assert cap_mib is None or larger.memory_mib <= cap_mib
        same = {"cpu": resources.cpu, "memory_mib": resources.memory_mib}
        assert larger.model_copy(update=same) == resources


@pytest.mark.parametrize(
    ("memory_mib", "cap_mib", "expected"),
    [(1000, None, 2000), (1000, 1500, 1500), (1000, 1000, None), (1000, 10, None), (None, 9, None)],
)
def test_doubled_is_exactly_that_up_to_a_cap(memory_mib, cap_mib, expected):
    larger = doubled(Resources(memory_mib=memory_mib), cap_mib)

    assert (larger and larger.memory_mib) == expected
