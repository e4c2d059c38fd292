from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store.connection import Store


def test_threads_that_want_a_store_at_once_get_one(facade: Flotilla) -> None:
    start = Barrier(8)

    def take(_: int) -> Store:
        start.wait()
        return facade.store

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(take, range(8)))

    assert len({id(store) for store in taken}) == 1
