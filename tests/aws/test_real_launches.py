"""What exactly-once rests on: tokens, names by which tasks are found, leases, events."""

import json
import uuid

import pytest
import witness
from live import OWNER, Live

from jupyter_flotilla.artifacts.mirrored import s3_of
from jupyter_flotilla.engines.ecs.account import AwsError
from jupyter_flotilla.model.job import Bucket

WAITS = "import time; time.sleep(60)"


def test_a_replayed_token_gives_the_same_task_and_a_changed_request_a_conflict(live: Live) -> None:
    request = live.request(WAITS)
    arn = live.launch(request)

    assert live.launch(request) == arn
    with pytest.raises(AwsError) as conflict:
        live.launch({**request, "startedBy": f"{live.started_by}other"})

    live.stop(arn, "seen enough")
    live.seen["conflict"] = conflict.value.aws_message
    assert conflict.value.kind == "conflict"
    assert conflict.value.resources == (arn,)
    live.wait(arn)
    # nothing is started for a token whose task has ended, either
    assert live.launch(request) == arn


def test_a_task_is_found_by_who_started_it_while_it_runs(live: Live) -> None:
    request = live.request(WAITS)
    arn = live.launch(request)

    def listed(**more: str) -> list[str]:
        answer = live.account.call(
            "ecs", "ListTasks", cluster=live.cluster, startedBy=request["startedBy"], **more
        )
        return list(answer["taskArns"])

    assert witness.until(lambda: listed() == [arn])
    live.stop(arn, "seen enough")
    live.wait(arn)
    live.seen["listed by startedBy when stopped"] = listed()


def test_only_events_of_this_homes_tasks_come_and_each_has_a_version(live: Live) -> None:
    other = live.launch(live.request("pass", started_by=f"flotilla/ffffffff/{uuid.uuid4().hex}"))
    own = live.launch(live.request("pass"))
    live.wait(other)
    live.wait(own)
    url, found = live.settings.ecs.queue_url, list[dict]()

    def has_ended() -> bool:
        answer = live.account.call(
            "sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5
        )
        found.extend(json.loads(one["Body"])["detail"] for one in answer.get("Messages", ()))
        return any(one["taskArn"] == own and one["lastStatus"] == "STOPPED" for one in found)

    witness.until(has_ended, "the event of the end")

    assert {one["startedBy"][: len(live.started_by)] for one in found} == {live.started_by}
    assert other not in {one["taskArn"] for one in found}
    versions = [one["version"] for one in found if one["taskArn"] == own]
    assert len(versions) == len(set(versions)) or sorted(versions) == versions
    live.seen["fields of an event"] = sorted({name for one in found for name in one})


def test_a_lease_is_taken_once(live: Live) -> None:
    place = {"Bucket": live.bucket, "Key": f"{OWNER}/runs/zz/lease-{uuid.uuid4().hex}"}

    live.account.call("s3", "PutObject", **place, Body=b"first", IfNoneMatch="*")
    with pytest.raises(AwsError) as refused:
        live.account.call("s3", "PutObject", **place, Body=b"second", IfNoneMatch="*")

    live.seen["refused lease"] = [refused.value.aws_code, refused.value.aws_message]
    assert refused.value.aws_code == "PreconditionFailed"


def test_the_buckets_expiry_is_what_was_set_up(live: Live) -> None:
    live.need_aws("of a bucket it makes no more than the name")
    settings = live.settings
    here = Bucket(url=str(settings.artifacts), region=settings.region, profile=settings.ecs.profile)

    assert s3_of(here).expire_days() == 1
    kept = here.model_copy(update={"url": f"{here.url}/kept"})
    assert s3_of(kept).expire_days() is None
