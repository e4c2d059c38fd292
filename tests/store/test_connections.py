"""Which connections of a store are used again, and which are not."""

from collections.abc import Callable

import pytest

from jupyter_flotilla.model.run import Run
from jupyter_flotilla.store import runs
from jupyter_flotilla.store.connection import Store

MakeRun = Callable[..., Run]


def test_a_connection_is_used_again(store: Store) -> None:
    with store.read() as first:
        pass
    with store.write() as second:
        pass

    assert first is second


def test_a_connection_that_saw_an_error_is_not_used_again(store: Store) -> None:
    with pytest.raises(RuntimeError), store.write() as first:
        raise RuntimeError
    with store.read() as second:
        pass

    assert first is not second


def test_connections_that_the_server_has_closed_are_replaced(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run()
    with store.read() as one, store.read() as other:
        raw = [connection.connection.driver_connection for connection in (one, other)]
    for connection in raw:
        assert connection is not None
        connection.close()

    with store.read() as tx:
        assert runs.get(tx, run.id) == run


def test_any_number_of_transactions_goes_on_at_a_time(store: Store, make_run: MakeRun) -> None:
    run = make_run()

    def nested(depth: int) -> Run:
        with store.read() as tx:
            return nested(depth - 1) if depth else runs.get(tx, run.id)

    assert nested(40) == run
