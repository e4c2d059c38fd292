import pytest

from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.recommend import recommendation
from jupyter_flotilla.model.resources import Resources, fargate_size


def _rate(resources: Resources) -> Rate | None:
    size = fargate_size(resources)
    if size is None:
        return None
    return Rate(
        usd_per_h=size.cpu * 0.04 + size.memory_mib / 1024 * 0.0044, cpu=size.cpu,
        memory_mib=size.memory_mib, region="here", source="test", is_hypothetical=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("peaks_gib", "asked", "memory"),
    [
        ([9.4, 8, 9], Resources(cpu=2, memory_mib=16 * 1024), "12G"),
        ([1, 1, 1], Resources(cpu=1, memory_mib=8 * 1024), "2G"),
        ([1, 1], Resources(cpu=1, memory_mib=8 * 1024), None),
        ([7, 1, 1], Resources(cpu=1, memory_mib=8 * 1024), None),
        ([1, 1, 1], Resources(cpu=1, memory_mib=8 * 1024, gpu=1), None),
        ([30, 30, 30], Resources(cpu=8, memory_mib=64 * 1024), "40G"),
    ],
)
def test_memory_that_would_have_done_is_recommended(
    peaks_gib: list[float], asked: Resources, memory: str | None
) -> None:
    found = recommendation([gib * 1024 for gib in peaks_gib], asked, _rate)

    assert (None if found is None else found.memory) == memory
    if found is not None:
        assert f"{found.memory} would do, and saves" in found.text
        assert 0 < found.saves < 1
