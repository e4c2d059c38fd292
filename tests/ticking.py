"""A process of the race of tickers: WHERE COUNT. Ticks minute after minute of a made-up clock."""

import sys
from datetime import timedelta
from pathlib import Path

from schedule_ground import BEGIN, PlainMaker

from jupyter_flotilla.dispatch.ticker import Ticker
from jupyter_flotilla.store import schedules
from jupyter_flotilla.store.connection import Store


def main() -> None:
    """Tick from where the least of the schedules is, until all have had so many."""
    where, count = sys.argv[1], int(sys.argv[2])
    store = Store(where if "://" in where else Path(where))
    ticker = Ticker(store, PlainMaker(), "here")
    while True:
        with store.read() as tx:
            done = min(one.cursor for one in schedules.all_of(tx))
        number = round((done - BEGIN).total_seconds() / 60)
        if number >= count:
            return
        # further and further: sometimes on time, sometimes a few that were missed
        ticker.step(BEGIN + timedelta(minutes=min(count, number + 1 + number % 7)))


if __name__ == "__main__":
    main()
