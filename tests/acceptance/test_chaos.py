"""Everything of ours is killed, locked out, misled and starved at random: the oracle is right.

``pytest tests/acceptance/test_chaos.py --chaos-runs 500 --chaos-seed 7`` is the long form.
"""

import os
import subprocess
import sysconfig
import venv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import chaos
import pytest
import witness
from chaos import PROGRAM, Chaos
from chaos_crew import LIMIT, break_fence

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.run import Run, RunStatus

# each wait below has its own bound; the whole grows with --chaos-runs
pytestmark = pytest.mark.timeout(3600)

_ROOT = Path(__file__).parents[2]
_CLOCK = """
import sys
from pathlib import Path
words = " ".join(sys.orig_argv)
if "-m jupyter_flotilla" in words or "chaos_crew.py" in words:
    from datetime import timedelta
    from jupyter_flotilla import clock
    true_now, offset = clock.utc_now, Path(sys.prefix, "clock-offset")
    clock.utc_now = lambda: true_now() + timedelta(seconds=float(offset.read_text()))
"""


#: Failure kinds that blame the user, who in chaos has done nothing wrong.
_BLAME = ("user-error", "environment")


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter like this one, whose clock, as our processes see it, can be moved."""
    venv.create(tmp_path / "python", with_pip=False, symlinks=True)
    [site] = (tmp_path / "python").glob("lib/python*/site-packages")
    (site / "chaos_clock.py").write_text(_CLOCK)
    lines = [sysconfig.get_path("purelib"), str(_ROOT), "import chaos_clock"]
    (site / "chaos.pth").write_text("\n".join(lines) + "\n")
    chaos.set_clock(tmp_path / "python" / "bin" / "python", 0)
    return tmp_path / "python" / "bin" / "python"


@pytest.fixture
def disk(home: Path, promised: int) -> Iterator[bool]:
    """Whether the home is on a small disk of its own, which needs root."""
    home.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={16 + promised // 5}m,mode=700", "tmpfs", home]
    is_small = os.getuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    yield is_small
    for pid in witness.processes_with(f"FLOTILLA_HOME={home}"):
        chaos.send(pid)
    if is_small:
        subprocess.run(["umount", "--lazy", home], check=True)


@pytest.fixture
def promised(request: pytest.FixtureRequest) -> int:
    """How many runs of the process engine there shall be; the fake one takes four times as many."""
    return int(request.config.getoption("--chaos-runs"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--chaos-seed"))


_REAL_ACTS = {
    "submitter": 1, "dispatcher": 3, "supervisor": 3, "runner": 3, "kernel": 1, "command": 1,
    "ambush": 2, "lock": 1, "clock": 2, "full": 1,
}  # fmt: skip
_FAKE_ACTS = {"enqueuer": 1, "worker": 6, "lock": 1, "clock": 2}
_DISPATCH = ["-P", "-m", "jupyter_flotilla", "dispatch", "--until-idle"]


def _real(home: Path, python: Path, seed: int, acts: dict[str, float]) -> tuple[Chaos, Path]:
    (home.parent / "flotilla.toml").write_text(
        f"idle_s = 2\nretry_delay_s = 0.1\nmax_running = {LIMIT}\n"
    )
    oracle = home.parent / "oracle.txt"
    return Chaos(home, python, seed, [["submit", str(oracle), "{}"]] * 3, acts), oracle


def _fake(home: Path, python: Path, seed: int, mutant: str) -> tuple[Chaos, Path]:
    crew = [["enqueue", str(home), "{}"]] * 3 + [["work", str(home), mutant]] * 3
    return Chaos(home, python, seed, crew, _FAKE_ACTS), home / "fake" / "oracle.txt"


def test_no_chaos_breaks_a_promise_of_the_process_engine(
    home: Path, python: Path, disk: bool, seed: int, promised: int, capsys
) -> None:
    acts = _REAL_ACTS if disk else {a: w for a, w in _REAL_ACTS.items() if a != "full"}
    world, oracle = _real(home, python, seed, acts)

    world.rage(promised)
    world.settle(_DISPATCH)

    with capsys.disabled():
        assert _violations(world, oracle) == [], f"--chaos-seed {seed}"


def test_no_chaos_breaks_a_promise_of_the_steps(
    home: Path, python: Path, seed: int, promised: int, capsys
) -> None:
    world, oracle = _fake(home, python, seed, "none")

    world.rage(promised * 4)
    world.settle([PROGRAM, "work", str(home), "none"])

    with capsys.disabled():
        assert _violations(world, oracle) == [], f"--chaos-seed {seed}"


@pytest.mark.parametrize(
    ("mutant", "word"), [("launch-key", "started 2 times"), ("limit", "attempts ran at once")]
)
def test_the_check_tells_when_the_steps_lose_a_guard(
    home: Path, python: Path, seed: int, mutant: str, word: str
) -> None:
    world, oracle = _fake(home, python, seed, mutant)

    for promised in range(16, 81, 16):
        world.rage(promised)
        world.settle([PROGRAM, "work", str(home), mutant])
        if any(word in sentence for sentence in _violations(world, oracle)):
            world.end()  # whose remains would be another test's
            return

    pytest.fail(f"not once {word!r}: --chaos-seed {seed}")


def test_the_check_tells_when_the_runner_loses_its_fence(
    home: Path, python: Path, seed: int
) -> None:
    break_fence(home)
    world, oracle = _real(home, python, seed, {"ambush": 4, "dispatcher": 1})

    for promised in range(12, 97, 12):  # an ambush need not find its runner before the fence
        world.rage(promised)
        world.settle(_DISPATCH)
        if any("started 2 times" in sentence for sentence in _violations(world, oracle)):
            return

    pytest.fail(f"no attempt without a fence started twice: --chaos-seed {seed}")


def _violations(world: Chaos, oracle: Path) -> list[str]:
    """Return each sentence that is true of what happened and must not be; print the counts."""
    said = witness.lines(oracle)
    found = world.found()
    # the fake engine spoils some by itself, and says so
    spoilt = world.spoilt | {line.split()[1] for line in said if line.endswith("user-error")}
    wrong = [*_wrong(said, world.promised(), spoilt, found), *world.complaints()]
    wrong += [f"left running: {words}" for words in world.left()]
    ends = Counter(f"{run.status} {run.failure_kind or ''}".strip() for run, _ in found)
    print(
        f"\nchaos, seed {world.seed}: {dict(world.counts)}, {len(found)} runs, "
        f"{sum(len(made) for _, made in found)} attempts, {dict(ends)}, {len(wrong)} violations"
    )
    return wrong


def _wrong(
    oracle: Sequence[str],
    promised: set[str],
    spoilt: set[str],
    found: Sequence[tuple[Run, Sequence[Attempt]]],
) -> list[str]:
    lines = [tuple(line.split()[:2]) for line in oracle]
    said = Counter(lines)
    wrong = [f"{run_id} was promised and is gone" for run_id in promised - {r.id for r, _ in found}]
    known = {attempt.launch_key for _, made in found for attempt in made}
    wrong += [f"{key} {what} and has no row" for what, key in said if key not in known]
    for run, made in found:
        if not run.status.is_final:
            wrong.append(f"{run.id} is still {run.status}: {[a.phase for a in made]}")
            continue
        if [attempt.number for attempt in made] != [*range(1, run.attempt + 1)]:
            wrong.append(f"{run.id} has attempts {[attempt.number for attempt in made]}")
        for attempt in made:
            is_cancelled = run.status is RunStatus.CANCELLED and attempt.number == run.attempt
            starts = said["start", attempt.launch_key]
            wrong += _wrong_with(attempt, starts, is_cancelled=is_cancelled)
            if attempt.failure_kind in _BLAME and attempt.launch_key not in spoilt:
                wrong.append(f"{attempt.launch_key} blames its user: {attempt.message}")
        if run.status is RunStatus.SUCCEEDED and said["end", made[-1].launch_key] != 1:
            wrong.append(f"{run.id} SUCCEEDED without an end")
    if (peak := _peak(lines, said)) > LIMIT:
        wrong.append(f"{peak} attempts ran at once, the limit is {LIMIT}")
    return wrong


def _wrong_with(attempt: Attempt, starts: int, *, is_cancelled: bool) -> Iterator[str]:
    key, kind = attempt.launch_key, attempt.failure_kind
    if attempt.is_open:
        yield f"{key} is open, its run is final"
    if starts > 1:
        yield f"{key} started {starts} times"
    if starts == 0 and kind is None and not is_cancelled:
        yield f"{key} never started and nothing says why"


def _peak(lines: Sequence[tuple[str, ...]], said: Counter[tuple[str, ...]]) -> int:
    """Return how many ran at once at least: when those without an end were killed is not known."""
    running = peak = 0
    for what, key in lines:
        if said["end", key]:
            running += 1 if what == "start" else -1
            peak = max(peak, running)
    return peak
