"""How an attempt is told to have ended whose container left no record of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.docker import daemon as daemons
from jupyter_flotilla.engines.docker import deaths
from jupyter_flotilla.engines.docker.daemon import Daemon


class OneContainer(Daemon):
    """A daemon with one container, which has ended."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code

    def state(self, name: str) -> dict[str, Any]:
        return {"Status": "exited", "ExitCode": self._code}

    def words(self, name: str) -> str:
        return "its words"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """Return the folder of an attempt whose files go through a bucket."""
    (tmp_path / ".sent.json").write_text("{}")
    return tmp_path


def _end(folder: Path, code: int) -> dict[str, Any]:
    found = deaths.examine(folder, OneContainer(code), "flotilla-r1-1")
    assert found is not None
    return found


@pytest.mark.parametrize("is_known", [False, True], ids=["fence not in S3", "fence in S3"])
def test_who_comes_second_through_a_bucket_tells_that_the_first_is_lost(
    sent: Path, is_known: bool
) -> None:
    if is_known:
        protocol.write_json(str(sent / protocol.STARTED), {"monotonic": 1.0})

    record = _end(sent, 75)

    assert (record["outcome"], record["failure_kind"]) == ("failed", "lost")
    assert record["message"] == "Its container went away after the job had begun."


def test_who_comes_second_tells_what_the_first_has_recorded(sent: Path) -> None:
    outcome = {"outcome": "succeeded", "exit_code": 0, "signal": None}
    protocol.write_json(str(sent / protocol.OUTCOME), outcome)

    assert _end(sent, 75)["outcome"] == "succeeded"


def test_a_job_that_was_cancelled_meanwhile_is_cancelled(sent: Path) -> None:
    protocol.write_json(str(sent / protocol.STOP_REQUEST), {"reason": "cancel"})

    assert _end(sent, 75)["outcome"] == "cancelled"


@pytest.mark.parametrize(("code", "is_sent"), [(74, True), (74, False), (75, False)])
def test_what_has_begun_nothing_is_started_again(tmp_path: Path, code: int, is_sent: bool) -> None:
    if is_sent:
        (tmp_path / ".sent.json").write_text("{}")

    assert deaths.examine(tmp_path, OneContainer(code), "flotilla-r1-1") is None


@pytest.mark.parametrize("is_known", [False, True], ids=["fence not in S3", "fence in S3"])
def test_results_that_s3_did_not_take_are_where_they_are_said_to_be(
    sent: Path, is_known: bool
) -> None:
    if is_known:
        protocol.write_json(str(sent / protocol.STARTED), {"monotonic": 1.0})

    record = _end(sent, 73)

    assert (record["outcome"], record["failure_kind"]) == ("failed", "environment")
    assert "docker cp flotilla-r1-1:/tmp/flotilla/attempt" in record["message"]
    assert record["message"].endswith("its words")


def test_a_container_that_was_stopped_before_its_results_were_in_s3_is_lost(sent: Path) -> None:
    protocol.write_json(str(sent / protocol.STARTED), {"monotonic": 1.0})

    assert _end(sent, 143)["failure_kind"] == "lost"


@pytest.mark.parametrize(
    ("code", "days", "is_there", "is_kept"),
    [
        (73, 1, True, True),
        (73, 8, True, False),  # nobody came for it
        (73, 1, False, False),  # its run was deleted
        (1, 1, True, False),
        (0, 1, True, False),
    ],
)
def test_only_results_that_are_nowhere_else_keep_a_container(
    tmp_path: Path, code: int, days: int, is_there: bool, is_kept: bool
) -> None:
    ended_at = datetime.now(UTC) - timedelta(days=days)
    folder = tmp_path if is_there else tmp_path / "gone"
    container = {
        "State": {"ExitCode": code, "FinishedAt": f"{ended_at:%Y-%m-%dT%H:%M:%S}.123456789Z"},
        "Config": {"Labels": {daemons.FOLDER_LABEL: str(folder)}},
    }

    assert daemons._is_kept(container) is is_kept
