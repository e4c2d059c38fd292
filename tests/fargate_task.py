"""A task definition and RunTask requests for it, for tests that call an ECS themselves."""

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
STARTED_BY = "flotilla/abcd1234/r1-1"


def register(ecs, family="job", **fields):
    """Register a small Fargate definition; return its ARN."""
    request = {
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "main", "image": "python:3.12-slim"}],
    } | fields  # fmt: skip
    return ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]


def run(ecs, **fields):
    """Call RunTask; return the whole answer."""
    request = {
        "cluster": "default", "taskDefinition": "job", "launchType": "FARGATE",
        "networkConfiguration": NETWORK, "startedBy": STARTED_BY,
    } | fields  # fmt: skip
    return ecs.run_task(**{name: value for name, value in request.items() if value is not None})


def run_one(ecs, **fields):
    """Call RunTask; return the ARN of its one task."""
    [task] = run(ecs, **fields)["tasks"]
    return task["taskArn"]


def describe(ecs, arn):
    """Return one task as DescribeTasks shows it."""
    [task] = ecs.describe_tasks(cluster="default", tasks=[arn])["tasks"]
    return task
