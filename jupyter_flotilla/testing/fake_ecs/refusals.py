"""What the services answer instead of a result, with their own codes and words."""

from typing import Any

#: Any JSON object: a request, an answer or a part of one, as it is on the wire.
Json = dict[str, Any]


class ServiceError(Exception):
    """An error that a service answers.

    Parameters
    ----------
    code
        The error's class on the wire, such as ``ClusterNotFoundException``.
    message
        Its words.
    status
        HTTP status.
    fields
        Further members of the error, such as ``resourceIds``.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields: Json = fields


def invalid(message: str) -> ServiceError:
    """Return ECS's word for a parameter that is wrong."""
    return ServiceError("InvalidParameterException", message)


def client_error(message: str) -> ServiceError:
    """Return ECS's word for a request that makes no sense here."""
    return ServiceError("ClientException", message)


def throttled() -> ServiceError:
    """Return the answer to a call too many.

    HTTP 400. Source: "Request throttling for the Amazon ECS API",
    docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html, read 2026-11.
    """
    return ServiceError("ThrottlingException", "Rate exceeded")


def cluster_not_found() -> ServiceError:
    return ServiceError("ClusterNotFoundException", "Cluster not found.")


def task_not_found() -> ServiceError:
    return invalid("The referenced task was not found.")


def no_fargate_size(cpu: object, memory: object) -> str:
    """Return the words about a pair that Fargate does not have.

    As RegisterTaskDefinition said it in 2025-09: github.com/aws-games/
    cloud-game-development-toolkit/issues/737.
    """
    return (
        f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
        "See the Amazon ECS documentation for the valid values."
    )
