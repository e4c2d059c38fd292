"""One call to AWS: its repeats, what is known of its outcome, and what its errors tell to do."""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)
from scripted_aws import SECRET_KEY, TOKEN, Script, answer, refusal

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.ecs.account import Account, AwsError, Identity
from jupyter_flotilla.engines.ecs.aws_errors import Access, translated
from jupyter_flotilla.engines.ecs.throttle import Category, Throttle
from jupyter_flotilla.settings import Settings

URL = "https://ecs.us-east-1.amazonaws.com/"
TIMEOUT = ReadTimeoutError(endpoint_url=URL)
RESET = ConnectionClosedError(endpoint_url=URL)
NO_ROUTE = EndpointConnectionError(endpoint_url=URL)
THROTTLED = refusal("ThrottlingException", "Rate exceeded")
BROKEN = refusal("ServerException", "Unexpected EOF", status=500)
TASK = answer({"tasks": [{"taskArn": "arn:aws:ecs:us-east-1:123456789012:task/c/1"}]})
WHO = answer(
    "<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
    "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ana</Arn>"
    "<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>",
    content_type="text/xml",
)
EXPIRED_WHO = answer(
    "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>"
    "<Message>The security token included in the request is expired</Message></Error>"
    "</ErrorResponse>",
    status=403,
    content_type="text/xml",
)
NOW = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore pauses between its own repeats."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


@pytest.fixture
def make_account(tmp_path: Path) -> Callable[..., Account]:
    def make(script: Script, **ecs: Any) -> Account:
        clock = Clock()
        return Account(
            Settings(home=tmp_path, ecs=EcsSettings(cluster="flotilla", **ecs)),
            make_client=script.client,
            throttle=Throttle(0.5, clock=clock, wait=clock.wait),
            environ={},
            clock=clock,
            sleep=clock.sleep,
            jitter=lambda: 1.0,
        )

    return make


def _run_task(account: Account, **options: Any) -> dict[str, Any]:
    return account.call("ecs", "RunTask", taskDefinition="flotilla-1:1", cluster="c", **options)


def _refused(account: Account, action: str = "RunTask", **options: Any) -> AwsError:
    with pytest.raises(AwsError) as found:
        if action == "RunTask":
            _run_task(account, **options)
        else:
            account.call("ecs", action, **options)
    return found.value


def test_an_answer_comes_back_as_boto3_gives_it(make_account: Callable[..., Account]) -> None:
    account = make_account(Script(TASK))

    assert _run_task(account)["tasks"][0]["taskArn"].endswith("/1")
    assert account.calls == {"ecs:RunTask": 1}


def test_a_throttle_is_waited_out_and_learned_from(make_account: Callable[..., Account]) -> None:
    script = Script(*[THROTTLED] * 7, TASK)
    account = make_account(script)

    _run_task(account)

    assert account.calls == {"ecs:RunTask": 8} == {"ecs:RunTask": len(script.actions)}
    assert account.throttle.rate_per_s(Category.FARGATE_RUN_TASK) < 10


def test_a_throttle_that_botocore_has_waited_out_is_learned_from_as_well(
    make_account: Callable[..., Account],
) -> None:
    account = make_account(Script(THROTTLED, TASK))

    _run_task(account)

    assert account.throttle.rate_per_s(Category.FARGATE_RUN_TASK) == pytest.approx(5, rel=0.02)


def test_throttles_without_end_are_given_up(make_account: Callable[..., Account]) -> None:
    error = _refused(make_account(Script(THROTTLED)), wait_s=10)

    assert (error.kind, error.is_unknown, error.is_passing) == ("throttled", False, True)
    assert "Rate exceeded" in error.message


def test_a_caller_who_will_not_wait_is_told_so(make_account: Callable[..., Account]) -> None:
    account = make_account(Script(TASK))
    for _ in range(4):
        _run_task(account, wait_s=0)

    error = _refused(account, wait_s=0)

    assert (error.kind, error.is_unknown, error.is_passing) == ("waiting", False, True)
    assert account.calls == {"ecs:RunTask": 4}


@pytest.mark.parametrize(
    ("answers", "is_unknown", "kind"),
    [
        pytest.param([TIMEOUT], True, "unreachable", id="no answer in time"),
        pytest.param([RESET], True, "unreachable", id="reset"),
        pytest.param([BROKEN], True, "failed", id="5xx"),
        pytest.param([answer("<html>", status=502)], True, "failed", id="a proxy"),
        pytest.param([answer("<html>", status=200)], True, "failed", id="not AWS"),
        pytest.param([NO_ROUTE], False, "unreachable", id="no connection"),
        pytest.param([TIMEOUT, NO_ROUTE], True, "unreachable", id="sent, then no connection"),
        pytest.param([TIMEOUT, THROTTLED], True, "throttled", id="sent, then throttled"),
        pytest.param(
            [BROKEN, refusal("AccessDeniedException")], True, "permission", id="5xx, then denied"
        ),
        pytest.param([refusal("ClientException", "No.")], False, "refused", id="a clear no"),
        pytest.param([NoCredentialsError()], False, "credentials", id="no keys"),
        pytest.param(
            [TIMEOUT, refusal("ConflictException", resourceIds=["arn:1"])],
            False,
            "conflict",
            id="it is told what was made",
        ),
    ],
)
def test_an_unknown_outcome_is_no_definite_no(
    make_account: Callable[..., Account], answers: list[Any], is_unknown: bool, kind: str
) -> None:
    error = _refused(make_account(Script(*answers)), wait_s=5)

    assert (error.is_unknown, error.kind) == (is_unknown, kind)


def test_of_what_changes_nothing_no_outcome_is_unknown(
    make_account: Callable[..., Account],
) -> None:
    error = _refused(make_account(Script(TIMEOUT)), "DescribeTasks", tasks=["arn:1"])

    assert not error.is_unknown


def test_a_network_that_recovers_is_not_noticed(make_account: Callable[..., Account]) -> None:
    account = make_account(Script(TIMEOUT, BROKEN, TASK))

    assert _run_task(account)["tasks"]
    assert account.calls == {"ecs:RunTask": 3}


def test_a_conflict_names_what_there_is(make_account: Callable[..., Account]) -> None:
    conflict = refusal("ConflictException", "Other parameters", resourceIds=["arn:1", "arn:2"])

    error = _refused(make_account(Script(conflict)))

    assert (error.kind, error.resources) == ("conflict", ("arn:1", "arn:2"))


def test_a_denied_action_is_named_with_its_resource(make_account: Callable[..., Account]) -> None:
    said = (
        "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: iam:PassRole on "
        "resource: arn:aws:iam::123456789012:role/flotilla-task because no identity-based policy "
        "allows the iam:PassRole action"
    )

    error = _refused(make_account(Script(refusal("AccessDeniedException", said))))

    assert "iam:PassRole on arn:aws:iam::123456789012:role/flotilla-task" in error.message
    assert "setup-aws" in str(error.next_step)


def test_a_cluster_that_is_missing_is_named(make_account: Callable[..., Account]) -> None:
    error = _refused(make_account(Script(refusal("ClusterNotFoundException"))))

    assert error.kind == "no-cluster"
    assert "no cluster flotilla in us-east-1" in error.message


def test_a_refusal_keeps_the_words_of_aws(make_account: Callable[..., Account]) -> None:
    error = _refused(make_account(Script(refusal("ClientException", "TaskDefinition is inactive"))))

    assert (error.kind, error.aws_code) == ("refused", "ClientException")
    assert error.aws_message == "TaskDefinition is inactive"


@pytest.mark.parametrize(
    ("code", "message", "date", "said"),
    [
        pytest.param(
            "InvalidSignatureException",
            "Signature expired: 20261101T094000Z is now earlier than 20261101T095500Z "
            "(20261101T100000Z - 5 min.)",
            "Sun, 01 Nov 2026 10:00:00 GMT",
            "20 minutes behind",
            id="behind",
        ),
        pytest.param(
            "SignatureDoesNotMatch",
            "Signature not yet current: 20261101T102000Z is still later than 20261101T101500Z "
            "(20261101T101000Z + 5 min.)",
            "",
            "10 minutes ahead",
            id="ahead",
        ),
        pytest.param(
            "RequestTimeTooSkewed",
            "The difference between the request time and the server's time is too large.",
            "Sun, 01 Nov 2026 08:30:00 GMT",
            "90 minutes ahead",
            id="by the answer's date",
        ),
    ],
)
def test_a_wrong_clock_is_told_by_how_much(code: str, message: str, date: str, said: str) -> None:
    error = _answered(code, message, date)

    assert error.kind == "clock"
    assert said in error.message
    assert "set-ntp" in str(error.next_step)


def test_a_wrong_signature_at_the_right_time_is_a_wrong_key() -> None:
    said = (
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key.\n\nThe Canonical String for this request should have been\n'POST\n"
        f"/\n\nhost:ecs.us-east-1.amazonaws.com\nx-amz-security-token:{TOKEN}\n'"
    )

    error = _answered("InvalidSignatureException", said, "Sun, 01 Nov 2026 10:00:05 GMT")

    assert error.kind == "credentials"
    assert TOKEN not in repr(error) + str(error) + error.aws_message


def test_nothing_secret_is_behind_an_error_about_keys(make_account: Callable[..., Account]) -> None:
    said = f"The Canonical String for this request should have been 'x-amz-security-token:{TOKEN}'"

    error = _refused(make_account(Script(refusal("InvalidSignatureException", said, status=403))))

    assert error.__cause__ is None
    assert error.__suppress_context__
    assert TOKEN not in error.aws_message and SECRET_KEY not in str(error)


def test_an_expired_login_says_how_to_log_in(
    make_account: Callable[..., Account], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = translated(
        UnauthorizedSSOTokenError(),
        "ecs:RunTask",
        Access(
            region="us-east-1",
            whose="profile 'dev'",
            login="aws sso login --profile dev",
            expired_min=12,
        ),
        NOW,
    )

    assert error.message == "AWS session for profile 'dev' expired 12 min ago"
    assert error.next_step == "aws sso login --profile dev"


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_after_an_error_about_keys_they_are_read_anew(
    make_account: Callable[..., Account], code: str
) -> None:
    scripts = [Script(refusal(code)), Script(TASK)]
    made = []
    first = make_account(scripts[0])
    first._make_client = lambda service: (
        made.append(service) or scripts[len(made) - 1].client(service)
    )

    assert _refused(first).kind == "credentials"
    assert _run_task(first)["tasks"]


def test_who_asks_is_known_without_asking_again_where_keys_have_expired(
    make_account: Callable[..., Account],
) -> None:
    ana = Identity(account="123456789012", arn="arn:aws:iam::123456789012:user/ana")

    online = make_account(Script(WHO)).identity()
    offline = make_account(Script(EXPIRED_WHO))

    assert online == ana
    assert offline.known_identity() == ana
    assert offline.identity() == ana


def test_who_asks_is_known_from_the_first_answer_on_in_a_home_that_is_not_there(
    make_account: Callable[..., Account], tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    asked, later = (
        Account(Settings(home=tmp_path / "new" / "home"), make_client=script.client, environ={})
        for script in (Script(WHO), Script(EXPIRED_WHO))
    )

    found = asked.identity()

    assert found.account == "123456789012"
    assert [one.known_identity() for one in (asked, later)] == [found, found]
    assert (tmp_path / "new" / "home").stat().st_mode & 0o077 == 0


def test_who_asks_is_known_to_whoever_has_asked_although_it_cannot_be_kept(
    make_account: Callable[..., Account], tmp_path: Path
) -> None:
    (tmp_path / "ecs").write_text("in the way of the folder")
    account = make_account(Script(WHO))

    assert account.known_identity() is None
    assert account.identity() == account.known_identity()


def test_who_asks_by_another_profile_is_not_known(make_account: Callable[..., Account]) -> None:
    make_account(Script(WHO)).identity()

    other = make_account(Script(EXPIRED_WHO), profile="other")

    assert other.known_identity() is None
    with pytest.raises(AwsError):
        other.identity()


@pytest.mark.parametrize("content", ["", "[]", '{"default": 3}', '{"default": {"arn": 1}}'])
def test_identities_of_garbage_are_none(
    make_account: Callable[..., Account], tmp_path: Path, content: str
) -> None:
    (tmp_path / "ecs").mkdir()
    (tmp_path / "ecs" / "identities.json").write_text(content)

    assert make_account(Script(WHO)).known_identity() is None


class TestRealSession:
    """With botocore's own session, of files and variables."""

    @pytest.fixture(autouse=True)
    def _own_files(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)

    def _account(self, tmp_path: Path, region: str = "us-east-1", **ecs: Any) -> Account:
        return Account(Settings(home=tmp_path, region=region, ecs=EcsSettings(**ecs)))

    def test_no_keys_at_all(self, tmp_path: Path) -> None:
        error = _refused(self._account(tmp_path))

        assert error.message == "there are no AWS credentials for profile 'default'"
        assert "aws sso login" in str(error.next_step)

    def test_a_profile_that_is_not_there(self, tmp_path: Path) -> None:
        error = _refused(self._account(tmp_path, profile="nobody"))

        assert error.kind == "configuration"
        assert "nobody" in error.message

    def test_an_sso_login_that_has_ended(self, tmp_path: Path) -> None:
        (tmp_path / "config").write_text(
            "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = r\n"
            "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.example\n"
        )
        cache = tmp_path / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True)
        token = {"accessToken": TOKEN, "expiresAt": "2026-01-01T00:00:00Z", "region": "us-east-1"}
        name = hashlib.sha1(b"corp").hexdigest()
        (cache / f"{name}.json").write_text(json.dumps(token))

        error = _refused(self._account(tmp_path, profile="dev"))

        assert re.fullmatch(r"AWS session for profile 'dev' expired \d+ min ago", error.message)
        assert error.next_step == "aws sso login --profile dev"
        assert TOKEN not in str(error)

    @pytest.mark.parametrize("region", ["us-east-9", "virginia", "us_east_1", "../x"])
    def test_a_region_that_is_none(
        self, tmp_path: Path, region: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._give_keys(monkeypatch)
        account = self._account(tmp_path, region=region)
        monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", _no_route)

        error = _refused(account)

        assert error.kind == "configuration"
        assert region in error.message

    def test_an_endpoint_that_is_no_url(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._give_keys(monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")

        error = _refused(self._account(tmp_path))

        assert error.kind == "configuration"
        assert "AWS_ENDPOINT_URL" in str(error.next_step)

    def test_an_endpoint_that_is_away(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._give_keys(monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

        error = _refused(self._account(tmp_path))

        assert (error.kind, error.is_unknown) == ("unreachable", False)
        assert "127.0.0.1:9" in error.message

    def _give_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


def _no_route(_session: Any, request: Any) -> Any:
    raise EndpointConnectionError(endpoint_url=request.url)


def _answered(code: str, message: str, date: str) -> AwsError:
    from botocore.exceptions import ClientError

    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": {"date": date}},
    }
    error = ClientError(response, "RunTask")  # type: ignore[arg-type]
    return translated(error, "ecs:RunTask", Access(region="us-east-1"), NOW)
