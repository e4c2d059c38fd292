"""`engines.ecs.neighbours`: a cheaper size close to what was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.engines.ecs.neighbours import neighbour
from jupyter_flotilla.model.resources import FARGATE_SIZES, Resources

GIB = 1024


@pytest.mark.parametrize(
    ("cpu", "gib", "text"),
    [
        (1, 64, "64 G needs 16 vCPU, $0.93/h; 60 G with 8 vCPU, $0.59/h"),
        (1, 17, "17 G needs 4 vCPU, $0.24/h; 16 G with 2 vCPU, $0.15/h"),
        (1, 31, "32 G needs 8 vCPU, $0.47/h; 30 G with 4 vCPU, $0.30/h"),
        (16, 121, "244 G needs 32 vCPU, $2.38/h; 120 G with 16 vCPU, $1.18/h"),
        (4.5, 16, "8 vCPU with 16 G, $0.39/h; 4 vCPU with 16 G, $0.23/h"),
        (1, 4, None),
        (16, 64, None),
        (0.25, 3, None),
        (32, 244, None),
        (64, 8, None),
    ],
    ids=str,
)
def test_size_just_above_a_step_has_a_neighbour_below_it(cpu, gib, text):
    found = neighbour(Resources(cpu=cpu, memory_mib=gib * GIB), "us-east-1")

    assert (found and found.text) == text


@given(cpu=st.floats(0.1, 32), memory_mib=st.none() | st.integers(1, 244 * GIB))
def test_neighbour_is_legal_close_and_a_fifth_cheaper(cpu, memory_mib):
    found = neighbour(Resources(cpu=cpu, memory_mib=memory_mib), "us-east-1")

    if found is not None:
        cheaper = found.cheaper
        assert cheaper.memory_mib in FARGATE_SIZES[cheaper.cpu]
        assert cheaper.memory_mib >= 0.85 * (memory_mib or 4 * GIB)
        assert cheaper.cpu >= 0.85 * cpu
        assert cheaper.usd_per_h <= 0.8 * found.asked.usd_per_h


def test_there_is_none_where_the_price_is_unknown():
    assert neighbour(Resources(memory_mib=64 * GIB), "mx-central-1") is None


def test_neighbour_is_of_the_same_kind():
    found = neighbour(Resources(memory_mib=64 * GIB, spot=True, arch="arm64"), "us-east-1")

    assert (found.cheaper.provider, found.cheaper.arch) == ("FARGATE_SPOT", "arm64")
