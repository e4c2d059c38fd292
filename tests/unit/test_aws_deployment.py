"""`setup.deployment`: what becomes of a stack, whatever state it is found in."""

import json

import pytest
from fake_account import FakeAccount, refused

from jupyter_flotilla.errors import EnvironmentProblem, Refused
from jupyter_flotilla.setup.deployment import Deployment, refuse

TEMPLATE = {"Metadata": {"Flotilla": {"members": []}}, "Resources": {}}
NO_STACK = refused("cloudformation:DescribeStacks", "ValidationError",
                   "Stack with id flotilla does not exist")  # fmt: skip
ADDED = {"ResourceChange": {"Action": "Add", "ResourceType": "AWS::ECS::Cluster"}}


def stack(status, **outputs):
    """Return what DescribeStacks answers."""
    made = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    return {"Stacks": [{"StackStatus": status, "Outputs": made}]}


def event(number, status, name="Cluster", reason=None):
    """Return one event of a stack."""
    of_stack = name == "flotilla"
    return {
        "EventId": f"e{number}", "ResourceStatus": status, "LogicalResourceId": name,
        "ResourceType": "AWS::ECS::Cluster", "StackId": "arn:stack",
        "PhysicalResourceId": "arn:stack" if of_stack else name,
        **({"ResourceStatusReason": reason} if reason else {}),
    }  # fmt: skip


def aws(*states, changes=(ADDED,), events=()):
    """Return an account whose stack is in these states one after the other."""
    made = FakeAccount()
    made.answer("cloudformation:DescribeStacks", *states)
    made.answer("cloudformation:CreateChangeSet", {})
    made.answer("cloudformation:ExecuteChangeSet", {})
    made.answer("cloudformation:DeleteChangeSet", {})
    made.answer("cloudformation:DeleteStack", {})
    made.answer("cloudformation:GetTemplate", {"TemplateBody": TEMPLATE})
    made.answer("cloudformation:DescribeStackEvents", {"StackEvents": list(events)})
    found = {"Status": "CREATE_COMPLETE", "Changes": list(changes)}
    return made.answer("cloudformation:DescribeChangeSet", found)


@pytest.fixture
def said():
    """Return what was told."""
    return []


def deployment(account, said):
    """Return the stack ``flotilla``, without any wait."""
    return Deployment(account, "flotilla", said.append, pause=lambda s: None)


def kind_of(account):
    """Return the kind of the change set that was asked for."""
    [request] = [r for name, r in account.asked if name == "cloudformation:CreateChangeSet"]
    return request["ChangeSetType"]


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        pytest.param([NO_STACK], "CREATE", id="nothing there"),
        pytest.param([stack("REVIEW_IN_PROGRESS")], "CREATE", id="killed before it was executed"),
        pytest.param([stack("CREATE_COMPLETE")], "UPDATE", id="there"),
        pytest.param([stack("UPDATE_ROLLBACK_COMPLETE")], "UPDATE", id="a change was taken back"),
        pytest.param(
            [stack("CREATE_IN_PROGRESS"), stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE")],
            "UPDATE", id="killed meanwhile: waits for the end",
        ),
    ],
)  # fmt: skip
def test_whatever_is_found_is_brought_to_the_template(found, kind, said):
    account = aws(*found, stack("UPDATE_COMPLETE"))

    assert deployment(account, said).apply(TEMPLATE, {"team": "x"}, refuse) is True
    assert kind_of(account) == kind
    assert account.names().count("cloudformation:ExecuteChangeSet") == 1


def test_nothing_to_change_changes_nothing(said):
    account = aws(stack("CREATE_COMPLETE"))
    none = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
    account.answer("cloudformation:DescribeChangeSet", none)

    assert deployment(account, said).apply(TEMPLATE, {}, refuse) is False
    assert "cloudformation:ExecuteChangeSet" not in account.names()
    assert "cloudformation:DeleteChangeSet" in account.names()


def test_a_change_set_is_waited_for_and_read_to_its_last_page(said):
    account = aws(NO_STACK, stack("CREATE_COMPLETE"))
    account.answer(
        "cloudformation:DescribeChangeSet",
        {"Status": "CREATE_IN_PROGRESS"},
        {"Status": "CREATE_COMPLETE", "Changes": [ADDED], "NextToken": "more"},
        {"Status": "CREATE_COMPLETE", "Changes": [ADDED, ADDED]},
    )

    deployment(account, said).apply(TEMPLATE, {}, refuse)

    assert said[0] == "3 resources to create in stack flotilla"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Action": "Remove"}, "delete S3::Bucket my-bucket"),
        ({"Action": "Modify", "Replacement": "True"}, "replace S3::Bucket my-bucket"),
    ],
)
def test_what_would_be_lost_is_asked_about_first(change, words, said):
    lost = {"ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "my-bucket", **change}
    account = aws(stack("CREATE_COMPLETE"), changes=[ADDED, {"ResourceChange": lost}])

    with pytest.raises(Refused, match=words):
        deployment(account, said).apply(TEMPLATE, {}, refuse)

    assert "cloudformation:ExecuteChangeSet" not in account.names()
    assert "cloudformation:DeleteChangeSet" in account.names()


def test_what_is_agreed_to_is_done(said):
    lost = {"Action": "Remove", "ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": "q"}
    account = aws(stack("CREATE_COMPLETE"), changes=[{"ResourceChange": lost}])
    asked = []

    deployment(account, said).apply(TEMPLATE, {}, asked.append)

    assert asked == [["delete SQS::Queue q"]]
    assert "cloudformation:ExecuteChangeSet" in account.names()


def test_events_are_told_once_as_they_come(said):
    account = aws(NO_STACK, stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE"))
    first, second = event(1, "CREATE_IN_PROGRESS"), event(2, "CREATE_COMPLETE")
    account.answer(
        "cloudformation:DescribeStackEvents",
        {"StackEvents": []}, {"StackEvents": [first]}, {"StackEvents": [second, first]},
    )  # fmt: skip

    deployment(account, said).apply(TEMPLATE, {}, refuse)

    assert [line.split() for line in said[1:]] == [
        ["CREATE_IN_PROGRESS", "ECS::Cluster", "Cluster"],
        ["CREATE_COMPLETE", "ECS::Cluster", "Cluster"],
    ]


@pytest.mark.parametrize(
    ("reason", "step"),
    [
        ("flotilla-bucket already exists", "the name is taken"),
        ("User: x is not authorized to perform: iam:CreateRole", "prints the admin policy"),
        ("Unable to assume the service linked role.", "apply again"),
        ("Something else", "remove the stack"),
    ],
)
def test_a_failure_is_told_by_what_failed_first(reason, step, said):
    events = [
        event(4, "ROLLBACK_IN_PROGRESS", "flotilla", "The following resource(s) failed"),
        event(3, "CREATE_FAILED", "Rule", "Resource creation cancelled"),
        event(2, "CREATE_FAILED", "Bucket", reason),
        event(1, "CREATE_IN_PROGRESS", "flotilla"),
        event(0, "CREATE_FAILED", "Old", "of an earlier time"),
    ]
    account = aws(NO_STACK, stack("ROLLBACK_COMPLETE"), events=events)

    with pytest.raises(EnvironmentProblem) as caught:
        deployment(account, said).apply(TEMPLATE, {}, refuse)

    assert caught.value.message == (
        f"the stack 'flotilla' ended in ROLLBACK_COMPLETE: Bucket: {reason}"
    )
    assert step in caught.value.next_step


@pytest.mark.parametrize(
    ("status", "step"),
    [
        ("ROLLBACK_COMPLETE", "setup-aws --remove"),
        ("CREATE_FAILED", "setup-aws --remove"),
        ("DELETE_FAILED", "setup-aws --remove"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback"),
    ],
)
def test_a_stack_that_cannot_be_changed_says_how_to_go_on(status, step, said):
    account = aws(stack(status), events=[event(1, "CREATE_FAILED", reason="no")])

    with pytest.raises(EnvironmentProblem, match=f"is in {status} and cannot be changed: Cl.*no"):
        deployment(account, said).apply(TEMPLATE, {}, refuse)

    assert "cloudformation:CreateChangeSet" not in account.names()


def test_a_template_that_is_refused_says_why(said):
    account = aws(NO_STACK)
    account.answer("cloudformation:DescribeChangeSet",
                   {"Status": "FAILED", "StatusReason": "Template is bad"})  # fmt: skip

    with pytest.raises(EnvironmentProblem, match="Template is bad"):
        deployment(account, said).apply(TEMPLATE, {}, refuse)


@pytest.mark.parametrize("body", [{}, json.dumps({"Resources": {}}), "Resources:\n  A: {}\n"])
def test_somebody_elses_stack_is_left_alone(body, said):
    account = aws(stack("CREATE_COMPLETE"))
    account.answer("cloudformation:GetTemplate", {"TemplateBody": body})

    with pytest.raises(EnvironmentProblem, match="none of Flotilla's") as caught:
        deployment(account, said).remembered()

    assert "--stack-name" in caught.value.next_step


def test_what_was_chosen_before_is_read_from_the_stack(said):
    kept = {"members": [{"owner": "ada", "install": "0" * 8}]}
    account = aws(stack("CREATE_COMPLETE", Bucket="b"))
    account.answer("cloudformation:GetTemplate",
                   {"TemplateBody": json.dumps({"Metadata": {"Flotilla": kept}})})  # fmt: skip

    assert deployment(account, said).remembered() == kept
    assert deployment(account, said).outputs() == {"Bucket": "b"}


def test_no_stack_remembers_nothing(said):
    assert deployment(aws(NO_STACK), said).remembered() == {}
    assert deployment(aws(NO_STACK), said).outputs() == {}


def test_deleting_waits_until_it_is_gone(said):
    account = aws(stack("CREATE_COMPLETE"), stack("DELETE_IN_PROGRESS"), NO_STACK)

    deployment(account, said).delete()

    assert account.names().count("cloudformation:DeleteStack") == 1


def test_deleting_what_is_not_there_does_nothing(said):
    account = aws(NO_STACK)

    deployment(account, said).delete()

    assert "cloudformation:DeleteStack" not in account.names()


def test_what_could_not_be_deleted_is_told(said):
    events = [
        event(3, "DELETE_FAILED", "flotilla", "The following resource(s) failed to delete"),
        event(2, "DELETE_FAILED", "SecurityGroup", "has a dependent object"),
        event(1, "DELETE_IN_PROGRESS", "flotilla"),
    ]
    account = aws(stack("CREATE_COMPLETE"), stack("DELETE_FAILED"), events=events)

    with pytest.raises(EnvironmentProblem, match="SecurityGroup: has a dependent object"):
        deployment(account, said).delete()
