from pathlib import Path

from jupyter_flotilla.protocol.usage_log import UsageLog
from jupyter_flotilla.usage import UsageSeries


def _usage(memory_mib: float, peak_mib: float) -> dict[str, float]:
    return {"memory_mib": memory_mib, "peak_memory_mib": peak_mib, "cpu_s": 1.0, "cpu_percent": 9.0}


def test_a_curve_shows_the_peak_whenever_it_was(tmp_path: Path) -> None:
    log = UsageLog(str(tmp_path))
    log.note(_usage(10, 10), 0.0)
    log.note(_usage(300, 300), 0.2)  # between two points
    log.note(_usage(20, 300), 0.4)
    log.note(_usage(5, 600), 0.6, final=True)  # an exact look has seen more than all others

    series = UsageSeries.read(tmp_path)

    assert [point["memory_mib"] for point in series.points] == [10, 600]
    assert series.peak_memory_mib == 600


def test_a_point_is_the_most_of_its_stretch(tmp_path: Path) -> None:
    log = UsageLog(str(tmp_path))
    log.note(_usage(300, 300), 0.0)
    log.note(_usage(200, 300), 0.2)
    log.note(_usage(50, 300), 0.4, final=True)

    assert [point["memory_mib"] for point in UsageSeries.read(tmp_path).points] == [300, 200]
