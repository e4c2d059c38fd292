"""The base of every value that travels."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value; change makes a new one (``model_copy``). Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Stored(Value):
    """A value that is read back from the store or a file.

    Unknown fields are ignored: a process of version N−1 must read what N wrote.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
