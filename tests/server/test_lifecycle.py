"""The server as a process of its own: what it starts, looks after, and leaves alone."""

from pathlib import Path

import witness
from jupyter_process import jupyter_server

import jupyter_flotilla as fl
from jupyter_flotilla import api


def test_a_dispatcher_lives_as_soon_as_the_server_does(settings_file: Path, tmp_path: Path) -> None:
    with jupyter_server(tmp_path / "jupyter", tmp_path) as server:
        witness.until(lambda: server.ask("status")["dispatcher"]["alive"], "a dispatcher")

        assert api.flotilla().wake.is_awake()


def test_jobs_go_on_when_the_server_is_stopped_or_killed(
    settings_file: Path, tmp_path: Path
) -> None:
    script = "echo begun; while [ ! -e go ]; do sleep 0.1; done; echo done"
    what = {"kind": "command", "argv": ["sh", "-c", script]}
    runs = []
    for name, kill in (("stopped", False), ("killed", True)):
        with jupyter_server(tmp_path / name, tmp_path) as server:
            created = server.ask("runs", {"what": what})
            runs.append(fl.get(created["run"]["id"]))
            witness.until(lambda: "begun" in str(runs[-1].logs()), "it has begun")
            if kill:
                server.process.kill()

    (tmp_path / "go").touch()

    assert [run.wait().status for run in runs] == ["SUCCEEDED"] * 2
    assert [str(run.logs()) for run in runs] == ["begun\ndone\n"] * 2


def test_a_server_sees_to_it_that_a_dispatcher_lives_for_what_is_queued(
    settings_file: Path, tmp_path: Path
) -> None:
    facade = api.flotilla()
    script = "while [ ! -e go ]; do sleep 0.1; done"
    with jupyter_server(tmp_path / "jupyter", tmp_path) as server:
        what = {"kind": "command", "argv": ["sh", "-c", script]}
        run = fl.get(server.ask("runs", {"what": what})["run"]["id"])
        witness.until(lambda: run.status == "RUNNING", "it runs")
        [supervisor] = [witness.supervisor_of(facade.attempt_folder(run.id, 1))]
        dispatchers = [pid for pid in witness.processes_of_home(facade.settings.home)
                       if "dispatch" in Path(f"/proc/{pid}/cmdline").read_text()]  # fmt: skip
        witness.kill(supervisor)  # nor does the job's own supervisor look after one
        for pid in dispatchers:
            witness.kill(pid)

        witness.until(facade.wake.is_awake, "another dispatcher")
        witness.until(lambda: server.ask("status")["dispatcher"]["alive"], "it is said")
        (tmp_path / "go").touch()
        run.wait()


def test_a_home_that_cannot_be_used_leaves_the_rest_of_the_server_alone(
    settings_file: Path, tmp_path: Path
) -> None:
    settings_file.write_text("no toml")
    with jupyter_server(tmp_path / "jupyter", tmp_path) as server:
        assert "flotilla.toml cannot be read as TOML" in server.log
        assert "Traceback" not in server.log
