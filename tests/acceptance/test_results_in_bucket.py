"""Results in a bucket that deletes: said, kept, linked to, and told when they are gone."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import witness
from ecs_ground import EcsGround

import jupyter_flotilla as fl
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store.schema import runs as table

BIG = 33 * 2**20


@pytest.fixture
def _on_ecs(
    ecs_ground: EcsGround, settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Whatever is submitted runs on ECS, in a bucket that deletes runs after 30 days."""
    for name, value in ecs_ground.environment.items():
        monkeypatch.setenv(name, value)
    settings_file.write_text('engine = "ecs"\nidle_s = 5\nretry_delay_s = 0.1\n')
    ecs_ground.write_settings(settings_file, prefix=f"{tmp_path.name}/me")
    rule = {
        "ID": "expire", "Status": "Enabled", "Filter": {"Prefix": f"{tmp_path.name}/me/runs/"},
        "Expiration": {"Days": 30},
    }  # fmt: skip
    s3 = ecs_ground.client("s3")
    s3.put_bucket_lifecycle_configuration(
        Bucket=ecs_ground.bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    yield
    s3.delete_bucket_lifecycle(Bucket=ecs_ground.bucket)


@pytest.fixture
def run(_on_ecs: None) -> RunHandle:
    """A run that has ended and brought back one small file and one that stays in the bucket."""
    script = f"echo said; echo small >a.txt; head -c {BIG} /dev/zero >big.bin"
    return fl.submit(["sh", "-c", script], fetch=["*.txt", "*.bin"], wait=True)


def keys(ground: EcsGround) -> set[str]:
    """Return all keys of the bucket."""
    pages = ground.client("s3").get_paginator("list_objects_v2").paginate(Bucket=ground.bucket)
    return {found["Key"] for page in pages for found in page.get("Contents", [])}


def expire(ground: EcsGround, run: RunHandle) -> None:
    """Delete what a rule would have, which no emulator does."""
    for key in keys(ground):
        if f"/me/runs/{run.id[1:3]}/{run.id}/" in key:
            ground.client("s3").delete_object(Bucket=ground.bucket, Key=key)


def make_older(facade: Flotilla, **age: int) -> None:
    """Have all runs begun and ended that long ago."""
    at = utc_now() - timedelta(**age)
    with facade.store.write() as tx:
        tx.execute(table.update().values(started_at=at, created_at=at, ended_at=at))


def test_results_are_said_kept_used_when_the_rest_has_expired_and_released(
    run: RunHandle, ecs_ground: EcsGround, facade: Flotilla, tmp_path: Path
) -> None:
    assert run.status == "SUCCEEDED", run.explain()
    shown = witness.flotilla("show", run.id).stdout
    assert f"results    s3://{ecs_ground.bucket}/" in shown
    assert "(30 days)" in shown
    make_older(facade, days=26)
    assert f"expires in 4 days: jupyter flotilla keep {run.short_id}" in run.refresh().status_line()
    assert f"jupyter flotilla keep {run.short_id}" in witness.flotilla("ls").stderr

    kept = witness.flotilla("keep", run.id)

    assert kept.returncode == 0, kept.stderr
    [row] = json.loads(witness.flotilla("ls", "--json").stdout)
    assert row["in_bucket"]["is_kept"] and row["in_bucket"]["expires_at"] is None
    expire(ecs_ground, run)
    assert run.download("big.bin", to=tmp_path / "out")[0].stat().st_size == BIG
    run.keep()  # again: nothing to do

    released = witness.flotilla("keep", "--undo", run.id)

    assert released.returncode == 0, released.stderr
    assert "(30 days)" in released.stderr
    left = [key for key in keys(ecs_ground) if run.id in key]
    assert left
    assert not [key for key in left if "/kept/" in key]


def test_what_has_expired_is_told_with_what_is_still_here(
    run: RunHandle, ecs_ground: EcsGround, facade: Flotilla
) -> None:
    assert run.status == "SUCCEEDED", run.explain()
    make_older(facade, days=32)
    expire(ecs_ground, run)

    shown = witness.flotilla("show", run.id).stdout
    kept = witness.flotilla("keep", run.id)
    linked = witness.flotilla("files", run.id, "big.bin", "--link")

    assert linked.returncode == 2
    assert "has no 'files/big.bin' in S3" in linked.stderr
    assert "gone since" in shown
    assert "still here: its logs, 1 of 2 files" in shown
    assert kept.returncode == 2
    assert f"nothing of run {run.id} is left" in kept.stderr


def test_a_retry_goes_on_from_a_checkpoint_that_only_was_kept(
    _on_ecs: None, ecs_ground: EcsGround
) -> None:
    state = "$FLOTILLA_CHECKPOINT_DIR/state"
    script = f"if [ -f {state} ]; then cat {state}; else echo first >{state}; exit 1; fi"
    run = fl.submit(["sh", "-c", script], wait=True)
    assert run.status == "FAILED", run.explain()
    run.keep()
    expire(ecs_ground, run)

    again = run.retry(confirm=False).wait()

    assert again.status == "SUCCEEDED", again.explain()
    assert str(again.logs()).splitlines()[-1] == "first"


def test_a_kept_run_that_is_deleted_leaves_nothing_in_the_bucket(
    run: RunHandle, ecs_ground: EcsGround, facade: Flotilla
) -> None:
    run.keep()
    assert [key for key in keys(ecs_ground) if "/kept/" in key and run.id in key]
    facade.keep(run.id, is_kept=False)
    make_older(facade, days=2)

    witness.flotilla("clean", "--older-than", "1d", "--yes")

    assert not [key for key in keys(ecs_ground) if run.id in key]


def test_a_browser_gets_a_file_by_a_link_without_a_login(run: RunHandle) -> None:
    said = witness.flotilla("files", run.id, "a.txt", "--link", "--expires", "10m")

    with urllib.request.urlopen(said.stdout.strip()) as answer:
        assert answer.read() == b"small\n"
        assert "attachment" in answer.headers["Content-Disposition"]
    assert "needs no login" in said.stderr
    link = run.files().links("big.bin", expires="10m")["big.bin"]
    assert timedelta(minutes=9) < link.ends_at - utc_now() <= timedelta(minutes=10)
    with pytest.raises(InvalidOption, match="no file that came back matches"):
        run.files().links("other.bin")


def test_no_link_leads_to_files_of_this_machine(
    settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = fl.submit(["sh", "-c", "echo x >a.txt"], fetch=["a.txt"], wait=True)

    said = witness.flotilla("files", run.id, "--link")

    assert said.returncode == 2
    assert "no link leads there" in said.stderr
    assert "Next: jupyter flotilla download ID" in said.stderr
