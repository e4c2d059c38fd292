from pathlib import Path

import pytest

from jupyter_flotilla.engines.process.oom import oom_kills

_MACHINE = {"proc/vmstat": "nr_free_pages 12\noom_kill 9\n"}
_V1 = {
    "proc/self/cgroup": "5:devices:/\n4:cpu,memory:/user/one\n0::/\n",
    "sys/fs/cgroup/memory/user/one/memory.oom_control": "oom_kill_disable 0\noom_kill 2\n",
}
_V2 = {
    "proc/self/cgroup": "0::/user.slice/one:two\n",
    "sys/fs/cgroup/user.slice/one:two/memory.events": "low 0\noom 4\noom_kill 3\n",
}


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        pytest.param(_MACHINE | _V2, 3, id="version 2"),
        pytest.param(_MACHINE | _V1, 2, id="version 1"),
        pytest.param(_MACHINE | {"proc/self/cgroup": "0::/\n"}, 9, id="the root has no count"),
        pytest.param(_MACHINE, 9, id="no control groups"),
        pytest.param({}, 0, id="no such system"),
    ],
)
def test_kills_are_those_of_our_own_group_where_it_counts(
    tmp_path: Path, files: dict[str, str], kills: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert oom_kills(tmp_path) == kills
