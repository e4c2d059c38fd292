"""``setup-aws`` before anybody has logged in: what it would make, cost and allow."""

import json
import os
from pathlib import Path

import pytest
import witness

#: No keys, and no machine that could give some.
_NOBODY = {
    **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def setup_aws(*words: str, home: Path) -> witness.subprocess.CompletedProcess[str]:
    """Run ``jupyter flotilla setup-aws`` as somebody without any AWS keys."""
    env = {**_NOBODY, **{n: v for n, v in os.environ.items() if n.startswith("FLOTILLA_")}}
    return witness.flotilla("setup-aws", *words, env=env)


def test_a_plan_shows_each_resource_its_price_the_settings_and_both_policies(home: Path) -> None:
    said = setup_aws("--owner", "ada", home=home)

    assert said.returncode == 0, said.stderr
    prices = [line.split("  $")[1][:4] for line in said.stdout.splitlines() if "  $" in line]
    # the alarm, and so the sum: nothing else costs anything
    assert len(prices) == 17 and sorted(prices)[-3:] == ["0.00", "0.10", "0.10"]
    assert "total a month while nothing runs" in said.stdout
    assert "an account's first ten are free" in said.stdout
    assert '  artifacts = "s3://flotilla-ACCOUNT-us-east-1/ada"\n' in said.stdout
    assert "Policy submit" in said.stdout and "Policy admin" in said.stdout
    assert "! there are no AWS credentials" in said.stdout
    assert said.stdout.endswith("Nothing was changed.\n")
    assert not Path(os.environ["FLOTILLA_CONFIG"]).exists()


def test_a_plan_as_json_has_the_template_and_policies_whole(home: Path) -> None:
    said = json.loads(setup_aws("--owner", "ada", "--json", home=home).stdout)

    kinds = {one["Type"] for one in said["template"]["Resources"].values()}
    assert {"AWS::ECS::Cluster", "AWS::S3::Bucket", "AWS::SQS::Queue"} <= kinds
    assert said["policies"]["submit"]["Version"] == "2012-10-17"
    assert {part["kind"] for part in said["parts"] if part["idle_usd"]} == {"alarm"}
    assert said["alerts"] == []


def test_an_administrator_gets_three_files(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "for öps"

    said = setup_aws("--owner", "ada", "--out", str(folder), home=home)

    assert said.returncode == 0, said.stderr
    made = {path.name: json.loads(path.read_text()) for path in folder.iterdir()}
    assert set(made) == {"flotilla-aws.json", "submit-policy.json", "admin-policy.json"}
    assert "Policy submit" not in said.stdout


def test_a_plan_with_gpus_costs_nothing_more_idle_and_names_type_price_and_a_third_policy(
    home: Path, tmp_path: Path
) -> None:
    said = setup_aws("--owner", "ada", "--gpu", "--gpu-machines", "3", "--plan", home=home)
    made = setup_aws("--owner", "ada", "--gpu", "g6.xlarge", "--out", str(tmp_path), home=home)

    assert said.returncode == made.returncode == 0, said.stderr + made.stderr
    prices = [line.split("  $")[1][:4] for line in said.stdout.splitlines() if "  $" in line]
    assert len(prices) == 21 and sorted(prices)[-3:] == ["0.00", "0.10", "0.10"]
    assert "0 to 3 g4dn.xlarge, $0.53 an hour each (" in said.stdout
    assert '  ecs.gpu_capacity = "gpu-flotilla"\n' in said.stdout
    assert "Policy admin-gpu" in said.stdout
    assert "g6.xlarge" in (tmp_path / "flotilla-aws.json").read_text()
    assert (tmp_path / "admin-gpu-policy.json").exists()


def test_a_plan_says_how_to_be_told_of_what_fails_in_the_cloud_and_who_is(home: Path) -> None:
    nobody = setup_aws("--owner", "ada", home=home).stdout
    two = setup_aws("--owner", "ada", "--alert", "b@x.org", "--alert", "a@x.org", home=home).stdout

    [line] = [line for line in nobody.splitlines() if line.startswith("Alerts: ")]
    assert "--alert you@example.org subscribes, and AWS asks you by mail to confirm" in line
    [line] = [line for line in two.splitlines() if line.startswith("Alerts: ")]
    assert line.startswith("Alerts: a@x.org, b@x.org: ") and "is confirmed" in line


def test_what_is_used_is_not_made(home: Path) -> None:
    said = setup_aws("--owner", "ada", "--use", "bucket=files", "--use", "cluster=shared",
                     home=home).stdout  # fmt: skip

    for name in ("files", "shared"):
        [line] = [line for line in said.splitlines() if line.split()[1:2] == [name]]
        assert line.endswith("yours, as it is")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--use", "vpn=x"), "--use vpn=…: there is no such part"),
        (("--use", "bucket"), "--use 'bucket' is no NAME=VALUE"),
        (("--owner", "a b"), "--owner 'a b'"),
        (("--stack-name", "9"), "--stack-name '9'"),
        (("--tags", "x"), "--tags 'x' is no NAME=VALUE"),
        (("--gpu", "t4"), "--gpu 't4'"),
        (("--alert", "ada"), "--alert 'ada' is no e-mail address"),
        (("--gpu-machines", "2"), "--gpu-machines without --gpu"),
        (("--gpu", "--use", "cluster=shared"), "leave --use cluster=… out"),
        (("--apply",), "there are no AWS credentials"),
        (("--remove",), "there are no AWS credentials"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_told_without_a_traceback(
    home: Path, words: tuple[str, ...], said: str
) -> None:
    ended = setup_aws(*words, home=home)

    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
