"""The two kinds of what travels, and errors."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

#: A word in a query.
Word = Annotated[str, Field(max_length=300)]


class In(BaseModel):
    """What comes from outside: what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


class Error(Out):
    """Why something was not done."""

    #: A word for programs, e.g. ``invalid-option``.
    code: str
    #: What was wrong, with the value.
    message: str
    #: What to do next.
    next: str | None


class NoQuery(In):
    """Nothing."""
