"""Who may do what; and what AWS tells of prices and quotas."""

import json
import re
import uuid
from pathlib import Path

import witness
from live import OTHER_OWNER, OWNER, Live

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.ecs.account import AwsError
from jupyter_flotilla.engines.ecs.price_refresh import refresh_prices
from jupyter_flotilla.engines.ecs.prices import load_prices

_TRIES = """
import json
def tried(key, act):
    bucket = Bucket({bucket!r}, "", {region!r}, {endpoint!r}, Credentials(os.environ), tries=1)
    try:
        return act(bucket, key) and None
    except S3Error as error:
        return error.code
print(json.dumps({{
    "read own": tried("{own}/runs/zz/a", lambda b, k: b.get(k)),
    "write own": tried("{own}/runs/zz/r/attempts/1/b", lambda b, k: b.put(k, b"x")),
    "write own input": tried("{own}/runs/zz/a", lambda b, k: b.put(k, b"x")),
    "write own kept": tried("{own}/kept/runs/zz/a", lambda b, k: b.put(k, b"x")),
    "read other's": tried("{other}/runs/zz/a", lambda b, k: b.get(k)),
    "write other's": tried("{other}/runs/zz/r/attempts/1/b", lambda b, k: b.put(k, b"x")),
    "list": tried("", lambda b, k: list(b.list(k))),
}}))
"""
_MAY = ("read own", "write own")


def test_a_job_reaches_the_files_of_its_owner_and_no_others(live: Live) -> None:
    for owner in (OWNER, OTHER_OWNER):
        key = f"{owner}/runs/zz/a"
        live.account.call("s3", "PutObject", Bucket=live.bucket, Key=key, Body=b"x")
    program = _TRIES.format(
        bucket=live.bucket, region=live.settings.region, own=OWNER, other=OTHER_OWNER,
        endpoint=live.environ.get("AWS_ENDPOINT_URL"),
    )  # fmt: skip

    task = live.run(program, with_s3=True)

    found = live.said(task["taskArn"])
    live.seen["what a job may"] = found
    assert {name: found[name] for name in _MAY} == dict.fromkeys(_MAY)
    live.need_aws("it enforces no policy")
    assert [name for name, code in found.items() if code is None] == list(_MAY)


def test_doctor_finds_nothing_bad_and_its_tiny_command_runs(live: Live) -> None:
    live.purse.reserve()

    said = live.flotilla("doctor", "--engine", "ecs", "--smoke", "--json")

    live.count_runs()
    found = {one["name"]: one for one in json.loads(said.stdout)}
    live.seen["doctor"] = {name: one["message"] for name, one in found.items() if not one["ok"]}
    assert found["smoke ecs"]["ok"], said.stdout
    if not live.is_emulated:  # whose VPC has no way out
        assert said.returncode == 0, said.stdout


def test_the_printed_policy_is_enough_to_submit_with(live: Live, tmp_path: Path) -> None:
    live.need_aws("it enforces no policy")
    live.purse.reserve()
    plan = live.flotilla("setup-aws", "--json", "--stack-name", live.stack, "--owner", OWNER)
    policy = json.dumps(json.loads(plan.stdout)["policies"]["submit"])
    name, number = f"{live.stack}-{uuid.uuid4().hex[:6]}", live.account.identity().account
    principal = {"AWS": f"arn:aws:iam::{number}:root"}
    trust = {"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}}  # fmt: skip
    role = live.account.call(
        "iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    try:
        live.account.call(
            "iam", "PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=policy
        )
        keys = witness.until(lambda: _keys(live, role), "a role that can be assumed")
        settings = tmp_path / "submit.toml"
        written = Path(live.environ["FLOTILLA_CONFIG"]).read_text()
        settings.write_text(re.sub(r"(?m)^profile = .*\n", "", written))

        said = live.flotilla(
            "run", "--engine", "ecs", "--yes", "--", "echo", "enough",
            FLOTILLA_CONFIG=str(settings), **keys,
        )  # fmt: skip
    finally:
        live.account.call("iam", "DeleteRolePolicy", RoleName=name, PolicyName="p")
        live.account.call("iam", "DeleteRole", RoleName=name)
    live.count_runs()
    assert (said.returncode, said.stdout.strip()) == (0, "enough"), said.stderr


def _keys(live: Live, role: str) -> dict[str, str] | None:
    try:
        answer = live.account.call("sts", "AssumeRole", RoleArn=role, RoleSessionName="submit")
    except AwsError:
        return None  # a role that was just made is not known everywhere
    keys = answer["Credentials"]
    return {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SESSION_TOKEN": keys["SessionToken"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_PROFILE": ""}  # fmt: skip


def test_todays_prices_are_read_and_those_that_are_shipped_are_near_them(live: Live) -> None:
    live.need_aws("it has no prices")
    shipped = load_prices(Path("/nonexistent")).regions[live.settings.region].on_demand["x86_64"]

    read = refresh_prices(live.settings, utc_now())

    live.seen["prices"] = read.prices.model_dump(mode="json")
    live.seen["notes on prices"] = read.notes
    today = read.prices.on_demand["x86_64"]
    assert abs(today.vcpu_hour / shipped.vcpu_hour - 1) < 0.2
    assert abs(today.gb_hour / shipped.gb_hour - 1) < 0.2


def test_both_quotas_can_be_read(live: Live) -> None:
    live.need_aws("it has no quotas")

    for code in ("L-3032A538", "L-36FBB829"):
        answer = live.account.call(
            "service-quotas", "GetServiceQuota", ServiceCode="fargate", QuotaCode=code
        )
        live.seen[f"quota {code}"] = answer["Quota"]["Value"]
        assert answer["Quota"]["Value"] >= 0
        assert "vCPU" in answer["Quota"]["QuotaName"]
