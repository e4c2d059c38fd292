"""``jupyter flotilla dispatch``."""

import logging
import os
import sys
import time
from datetime import datetime
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path

import click

import jupyter_flotilla
from jupyter_flotilla import machine
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.dispatch.adopter import Adopter
from jupyter_flotilla.dispatch.loop import Dispatcher
from jupyter_flotilla.dispatch.publisher import Publisher
from jupyter_flotilla.dispatch.teller import Teller
from jupyter_flotilla.dispatch.ticker import Ticker
from jupyter_flotilla.dispatch.workers import Workers
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.engines.registry import engine_names
from jupyter_flotilla.errors import EngineUnavailable, FlotillaError, NotTold
from jupyter_flotilla.notify import send
from jupyter_flotilla.publishing import publish
from jupyter_flotilla.scheduling.cloud import CloudTicks
from jupyter_flotilla.scheduling.making import TickMaker
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.store import leases

#: How often a patient dispatcher looks whether it may begin, in seconds.
_LOOK_S = 2.0


@click.command()
@click.option("--until-idle", is_flag=True, help="Leave some time after the last open run.")
@click.option("--status", is_flag=True, help="Say who dispatches, and stop.")
@click.option("--stop", is_flag=True, help="Ask the dispatcher to leave; jobs go on.")
@click.option("--patient", is_flag=True, hidden=True, help="Wait until no other one lives here.")
@click.option("--lock-fd", type=int, hidden=True, help="The lock that it was started with.")
@click.option("--json", "as_json", is_flag=True, help="With --status: print as JSON.")
def dispatch(
    until_idle: bool, status: bool, stop: bool, patient: bool, lock_fd: int | None, as_json: bool
) -> None:
    """Move runs along: launch, follow, finish. Started by itself where it is needed."""
    facade = flotilla()
    if status:
        _print_status(facade, as_json)
    elif stop:
        _stop(facade)
    else:
        while patient and facade.wake.is_awake():
            time.sleep(_LOOK_S)
        _serve(facade, facade.settings.idle_s if until_idle else None, lock_fd)


def dispatcher_status(facade: Flotilla) -> list[dict[str, object]]:
    """Return one row a lease: engine, place, whether its holder lives, and who it is."""
    with facade.store.read() as tx:
        found = leases.all_of(tx)
    return [
        {
            "engine": lease.engine,
            "place": lease.place,
            "is_alive": lease.holder.get("host") == machine.host() and facade.wake.is_awake(),
            "since": lease.taken_at.isoformat(),
            **lease.holder,
        }
        for lease in found
    ]


def _print_status(facade: Flotilla, as_json: bool) -> None:
    rows = dispatcher_status(facade)
    if as_json:
        print_json(rows)
        return
    if not rows:
        echo("Nobody dispatches; the next run, or whoever waits for one, starts a dispatcher.")
    for row in rows:
        lives = "lives" if row["is_alive"] else "is gone"
        if row["host"] != machine.host():
            lives = "is on another host, whose processes cannot be seen from here"
        since = datetime.fromisoformat(str(row["since"])).astimezone()
        echo(
            f"{row['engine']} on {row['place']}: pid {row['pid']} on {row['host']} {lives}, "
            f"version {row['version']}, since {since:%Y-%m-%d %H:%M:%S} ({row['python']})"
        )
    echo(f"Its log: {facade.wake.log}")


def leave_to_service(facade: Flotilla) -> None:
    """Ask the dispatcher of this host to leave, for a service that waits for that; jobs go on."""
    _ask_to_leave(facade)


def renew_dispatcher(facade: Flotilla) -> bool:
    """Have the dispatcher of this host leave for one that reads the settings anew; its jobs go on.

    False where none lives: whoever starts one next reads them anyway. Waits some seconds at most.
    """
    if facade.wake.is_inside_job() or not facade.wake.is_awake():
        return False
    _ask_to_leave(facade)
    facade.wake.replace()
    return True


def _ask_to_leave(facade: Flotilla) -> bool:
    asked = False
    with facade.store.write() as tx:
        for lease in leases.all_of(tx):
            if lease.holder.get("host") == machine.host():
                asked |= leases.request_leave(tx, lease.engine, lease.place, utc_now())
    return asked


def _stop(facade: Flotilla) -> None:
    say("asked to leave" if _ask_to_leave(facade) else "nobody dispatches here")


def _serve(facade: Flotilla, idle_s: float | None, lock_fd: int | None) -> None:
    os.umask(0o077)
    _log_to(facade.wake.log)
    log = logging.getLogger("jupyter_flotilla.dispatch")
    try:
        os.chdir(facade.settings.home)  # no folder of the user's stays in use because of us
        dispatcher = Dispatcher(
            facade.settings,
            facade.store,
            _engines(facade, log),
            idle_s=idle_s,
            version=jupyter_flotilla.__version__,
            lock_fd=lock_fd,
            publisher=Publisher(facade.store, partial(publish, facade), Workers()),
            teller=Teller(facade.store, _tell, Workers()),
            ticker=Ticker(facade.store, TickMaker(facade), machine.host(), Workers()),
            adopter=Adopter(facade.store, CloudTicks(facade), machine.host(), Workers()),
        )
        if not dispatcher.run():
            say(f"a dispatcher lives here already ({facade.wake.lock})")
    except FlotillaError as error:
        log.error("cannot dispatch: %s", error)
        raise
    sys.exit(0)


def _tell(target: str, title: str, body: str) -> None:
    try:
        targets = dict(load_settings().notify)  # as they are now: a dispatcher lives for weeks
    except FlotillaError as error:
        raise NotTold(error.message) from None
    send(target, title, body, targets)


def _engines(facade: Flotilla, log: logging.Logger) -> list[Engine]:
    """Return the engines that can be loaded: one that cannot must not keep others from work."""
    found = []
    for name in engine_names():
        try:
            found.append(facade.engine(name))
        except EngineUnavailable as error:
            log.warning("%s", error)
    return found


def _log_to(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=2**20, backupCount=2, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    logger = logging.getLogger("jupyter_flotilla")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
