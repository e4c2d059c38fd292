"""Secrets of jobs on ECS: by reference, whatever a user writes."""

from typing import Any

import pytest
from scripted_aws import FakeAccount

from jupyter_flotilla.engines.ecs.account import AwsError
from jupyter_flotilla.engines.ecs.definition import Secret
from jupyter_flotilla.engines.ecs.secret_refs import check_secrets, resolve
from jupyter_flotilla.engines.ecs.secret_values import read_value, secret_address
from jupyter_flotilla.engines.secrets import read_secret
from jupyter_flotilla.errors import InvalidOption, SecretUnavailable
from jupyter_flotilla.model.job import SecretRef

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf"


def _resolved(source: str, found: Any = None) -> str:
    account = FakeAccount({"secretsmanager:DescribeSecret": found or {"ARN": ARN}})
    (secret,) = resolve(account, [SecretRef(name="DB", source=source)])
    assert secret.name == "DB"
    return secret.value_from


@pytest.mark.parametrize(
    ("source", "value_from"),
    [
        ("ssm:/flotilla/DB", "/flotilla/DB"),
        (
            "ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/db",
            "arn:aws:ssm:eu-west-1:123456789012:parameter/db",
        ),
        ("sm:prod/db", ARN),
        ("sm:prod/db:password", f"{ARN}:password::"),
        (f"sm:{ARN}", ARN),
        (f"sm:{ARN}:password", f"{ARN}:password::"),
    ],
)
def test_a_source_becomes_what_ecs_reads(source: str, value_from: str) -> None:
    assert _resolved(source) == value_from


def test_a_parameter_is_not_looked_for() -> None:
    account = FakeAccount({})

    assert resolve(account, [SecretRef(name="A", source="ssm:/a")]) == [
        Secret(name="A", value_from="/a")
    ]


def test_a_secret_that_is_not_there_is_named() -> None:
    missing = AwsError(
        "…",
        kind="refused",
        action="secretsmanager:DescribeSecret",
        aws_code="ResourceNotFoundException",
    )

    with pytest.raises(SecretUnavailable, match="'prod/db' in us-east-1"):
        _resolved("sm:prod/db", missing)


def test_what_keeps_aws_from_being_asked_is_no_missing_secret() -> None:
    denied = AwsError("…", kind="permission", action="secretsmanager:DescribeSecret")

    with pytest.raises(AwsError) as error:
        _resolved("sm:prod/db", denied)

    assert error.value is denied


@pytest.mark.parametrize(
    ("source", "command"),
    [
        ("file:/home/ana/my db.txt", "'file:///home/ana/my db.txt'"),
        ("file:/home/ana/db.txt", "file:///home/ana/db.txt"),
        ("keyring:flotilla/DB", "keyring get flotilla DB | tr -d '\\n' | aws ssm put-parameter"),
    ],
)
def test_a_secret_of_this_machine_is_refused_with_the_way_to_bring_it_to_aws(
    source: str, command: str
) -> None:
    with pytest.raises(InvalidOption, match="read on this machine") as error:
        check_secrets([SecretRef(name="DB", source=source)])

    assert command in str(error.value.next_step)
    assert "--secret DB=ssm:/flotilla/DB" in str(error.value.next_step)


def test_an_address_may_have_a_key() -> None:
    assert secret_address("a:b") == ("a", "b")
    assert secret_address("a") == ("a", "")
    assert secret_address(ARN) == (ARN, "")


def _value(source: str, **answers: Any) -> str:
    named = {name.replace("_", ":"): answer for name, answer in answers.items()}
    return read_value(FakeAccount(named), "DB", source)


@pytest.mark.parametrize(
    ("source", "stored", "value"),
    [
        ("sm:prod/db", "sesame", "sesame"),
        ("sm:prod/db:password", '{"password": "sesame"}', "sesame"),
        ("sm:prod/db:port", '{"port": 5432}', "5432"),
        (f"sm:{ARN}:password", '{"password": "é\\n"}', "é\n"),
    ],
)
def test_a_job_here_gets_a_value_of_secrets_manager(source: str, stored: str, value: str) -> None:
    assert _value(source, secretsmanager_GetSecretValue={"SecretString": stored}) == value


def test_a_job_here_gets_a_parameter_decrypted() -> None:
    account = FakeAccount({"ssm:GetParameter": {"Parameter": {"Value": "sesame\n"}}})

    assert read_value(account, "DB", "ssm:/db") == "sesame\n"
    assert account.made == [("ssm:GetParameter", {"Name": "/db", "WithDecryption": True})]


@pytest.mark.parametrize("stored", ["sesame", '["sesame"]', '{"user": "sesame"}', "5"])
def test_a_member_that_is_not_there_is_told_without_the_rest(stored: str) -> None:
    with pytest.raises(SecretUnavailable, match="'password'") as error:
        _value("sm:prod/db:password", secretsmanager_GetSecretValue={"SecretString": stored})

    assert "sesame" not in str(error.value)


def test_bytes_are_no_text() -> None:
    with pytest.raises(SecretUnavailable, match="binary"):
        _value("sm:prod/db", secretsmanager_GetSecretValue={"SecretBinary": b"\x00"})


def test_a_parameter_that_is_not_there_is_named() -> None:
    missing = AwsError("…", kind="refused", action="ssm:GetParameter", aws_code="ParameterNotFound")

    with pytest.raises(SecretUnavailable, match="no ssm:/db in us-east-1"):
        _value("ssm:/db", ssm_GetParameter=missing)


def test_why_aws_cannot_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    expired = AwsError(
        "AWS session for profile 'dev' expired",
        kind="credentials",
        action="ssm:GetParameter",
        next_step="aws sso login --profile dev",
    )

    def account(_settings: Any) -> FakeAccount:
        return FakeAccount({"ssm:GetParameter": expired})

    monkeypatch.setattr("jupyter_flotilla.engines.ecs.account.Account", account)
    with pytest.raises(SecretUnavailable, match="secret DB: AWS session") as error:
        read_secret("DB", "ssm:/db")

    assert error.value.next_step == "aws sso login --profile dev"
