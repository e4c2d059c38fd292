"""What an attempt asks its engine for is written before it is sent, and never changes."""

import threading
from collections.abc import Callable
from datetime import timedelta

from witness import NOW

from jupyter_flotilla.model.run import Run
from jupyter_flotilla.store import attempts
from jupyter_flotilla.store.connection import Store


def _claimed(store: Store, make_run: Callable[..., Run]) -> str:
    run = make_run()
    with store.write() as tx:
        attempts.claim(tx, "fake", "nowhere", 1, NOW)
    return run.id


def test_the_first_request_and_its_time_stand(store: Store, make_run: Callable[..., Run]) -> None:
    run_id = _claimed(store, make_run)
    later = NOW + timedelta(hours=1)

    with store.write() as tx:
        first = attempts.write_ahead(tx, run_id, 1, {"clientToken": "x", "odd": "é\n"}, NOW)
    with store.write() as tx:
        again = attempts.write_ahead(tx, run_id, 1, {"clientToken": "x", "subnets": []}, later)

    assert first == ({"clientToken": "x", "odd": "é\n"}, NOW, True)
    assert again == (*first[:2], False)
    with store.read() as tx:
        assert attempts.request_of(tx, run_id, 1) == first[:2]


def test_before_that_nothing_stands_there(store: Store, make_run: Callable[..., Run]) -> None:
    run_id = _claimed(store, make_run)

    with store.read() as tx:
        assert attempts.request_of(tx, run_id, 1) is None


def test_whoever_writes_an_attempt_leaves_its_request(
    store: Store, make_run: Callable[..., Run]
) -> None:
    run_id = _claimed(store, make_run)
    with store.read() as tx:
        [stale] = attempts.of_run(tx, run_id)
    with store.write() as tx:
        attempts.write_ahead(tx, run_id, 1, {"a": 1}, NOW)

    with store.write() as tx:
        attempts.update(tx, stale.sent(NOW, None, "no answer"))
        stands, *_ = attempts.write_ahead(tx, run_id, 1, {"a": 2}, NOW)

    assert stands == {"a": 1}


def test_of_many_writers_one_is_first(store: Store, make_run: Callable[..., Run]) -> None:
    run_id = _claimed(store, make_run)
    stands: list[int] = []

    def write(number: int) -> None:
        with store.write() as tx:
            request, *_ = attempts.write_ahead(tx, run_id, 1, {"writer": number}, NOW)
        stands.append(request["writer"])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(stands) == 8
    assert len(set(stands)) == 1
