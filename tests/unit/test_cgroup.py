"""What a container's control group tells, of either version, with a folder as its root."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from jupyter_flotilla.runner.cgroup import Cgroup

_V2 = {
    "cgroup.controllers": "cpuset cpu io memory pids\n",
    "memory.current": f"{300 * 2**20}\n",
    "memory.peak": f"{512 * 2**20}\n",
    "memory.stat": f"anon {200 * 2**20}\nfile {100 * 2**20}\ninactive_file {80 * 2**20}\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n",
    "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n",
    "pids.max": "4096\n",
    "pids.events": "max 3\n",
}
_V1 = {
    "memory/memory.usage_in_bytes": _V2["memory.current"],
    "memory/memory.max_usage_in_bytes": _V2["memory.peak"],
    "memory/memory.stat": f"inactive_file 0\ntotal_inactive_file {80 * 2**20}\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "cpuacct/cpuacct.usage": "2500000000\n",
    "pids/pids.max": "4096\n",
    "pids/pids.events": "max 3\n",
}

Make = Callable[[Mapping[str, str]], Cgroup]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(files: Mapping[str, str]) -> Cgroup:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return Cgroup(str(tmp_path))

    return made


both = pytest.mark.parametrize("files", [_V1, _V2], ids=["v1", "v2"])


@both
def test_memory_is_without_what_can_be_taken_back(make: Make, files: dict[str, str]) -> None:
    assert make(files).memory_mib() == 220


@both
def test_the_peak_is_what_the_system_has_seen(make: Make, files: dict[str, str]) -> None:
    assert make(files).peak_memory_mib() == 512


@both
def test_cpu_is_in_seconds(make: Make, files: dict[str, str]) -> None:
    assert make(files).cpu_s() == 2.5


@both
def test_processes_killed_for_want_of_memory_are_counted(make: Make, files: dict[str, str]) -> None:
    assert make(files).oom_kills() == 1


@both
def test_a_refused_process_tells_the_limit(make: Make, files: dict[str, str]) -> None:
    assert make(files).refused_at_processes() == 4096


@pytest.mark.parametrize(
    "changes",
    [{"pids.events": "max 0\n"}, {"pids.max": "max\n"}],
    ids=["never refused", "no limit"],
)
def test_without_a_refused_process_there_is_no_limit_to_tell(
    make: Make, changes: dict[str, str]
) -> None:
    assert make(_V2 | changes).refused_at_processes() is None


@pytest.mark.parametrize(
    "files",
    [{}, {"cgroup.controllers": ""}, {name: "garbage \xff\n" for name in _V2}],
    ids=["nothing", "an empty v2", "garbage"],
)
def test_what_cannot_be_read_is_nothing(make: Make, files: dict[str, str]) -> None:
    cgroup = make(files)

    assert (cgroup.memory_mib(), cgroup.peak_memory_mib(), cgroup.cpu_s()) == (0, 0, 0)
    assert (cgroup.oom_kills(), cgroup.refused_at_processes()) == (0, None)
