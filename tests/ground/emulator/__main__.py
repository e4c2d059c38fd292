"""Serve the emulator: ``python -m emulator --bind HOST:PORT … --endpoint URL``."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import time
from importlib.metadata import version
from pathlib import Path

from hypercorn.asyncio import serve
from hypercorn.config import Config

from emulator import seams, targets
from emulator.actions import Tasks
from emulator.calls import Calls
from emulator.containers import Place
from emulator.control import Control
from emulator.delivery import Delivery
from emulator.docker import Docker, DockerError
from emulator.door import Door
from emulator.faults import Faults
from emulator.inner import Inner
from emulator.life import Lives
from emulator.metadata import Metadata
from emulator.schedules import Schedules
from emulator.starting import Starter
from emulator.task import Task, event_of
from emulator.wire import Caller, Json

_TASK_ADDRESS = ("169.254.170.2", 80)  # where containers on Fargate find keys and metadata

_log = logging.getLogger("emulator")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulator")
    parser.add_argument("--bind", action="append", required=True, metavar="HOST:PORT")
    parser.add_argument("--endpoint", required=True, help="URL of this emulator for containers")
    parser.add_argument("--docker", default="", help="daemon that runs tasks, as in DOCKER_HOST")
    parser.add_argument("--label", default="flotilla.ground=here", help="on all containers")
    parser.add_argument("--stamp", default="", help="told to whoever asks which code this is")
    parser.add_argument("--pid", type=Path, help="file to write the process's number into")
    return parser.parse_args()


def _task_socket() -> socket.socket | None:
    """Return a socket at the address that Fargate's containers know, where there is one."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(_TASK_ADDRESS)
    except OSError as error:
        _log.warning("keys go into containers as variables: %s: %s", _TASK_ADDRESS[0], error)
        listener.close()
        return None
    return listener


def _announce(task: Task) -> None:
    try:
        detail = event_of(task, time.time())
        seams.put_event(task.caller, "ECS Task State Change", detail, [task.arn])
    except Exception:
        _log.exception("an event of %s is lost", task.arn)


def _send_rules_to(calls: Calls) -> None:
    """Have rules start tasks: they come from threads of their own."""
    loop = asyncio.get_running_loop()

    async def act(caller: Caller, action: str, params: Json) -> None:
        try:
            await calls.make(caller, action, params, "events.amazonaws.com")
        except Exception as error:
            _log.warning("a target of %s failed: %s", action, error)

    def start(caller: Caller, target: Json, rule: str) -> bool:
        call = targets.call_of(target, target.get("Input") or "", f"events-rule/{rule}")
        if call is not None:
            asyncio.run_coroutine_threadsafe(act(caller, *call), loop)
        return call is not None

    seams.send_rules_to(start)


async def _main(given: argparse.Namespace) -> None:
    from ministack.app import app

    task_socket = _task_socket()
    docker = Docker(given.docker, given.label)
    inner, faults = Inner(app), Faults()
    place = Place(endpoint=given.endpoint, has_task_address=task_socket is not None)
    lives = Lives(docker, Starter(docker, inner, place), _announce)
    tasks = Tasks(inner, lives)
    ground = {"stamp": given.stamp, "docker": given.docker,
              "has_task_address": place.has_task_address}  # fmt: skip
    calls = Calls(tasks, faults)
    schedules = Schedules(Delivery(calls, inner))
    control = Control(tasks, lives, faults, schedules, ground)
    door = Door(inner, tasks, calls, Metadata(tasks, inner, docker), control, faults)
    await _remove_containers(docker)  # of one that was killed
    _send_rules_to(calls)
    schedules.start()

    config = Config()
    config.bind = given.bind + ([f"fd://{task_socket.fileno()}"] if task_socket else [])
    config.loglevel = "WARNING"
    config.keep_alive_timeout, config.graceful_timeout = 75, 2
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await serve(door, config, shutdown_trigger=end.wait)  # type: ignore[arg-type]
    await _remove_containers(docker)


async def _remove_containers(docker: Docker) -> None:
    try:
        await docker.remove_all()
    except DockerError as error:
        _log.warning("no tasks can run here: %s", error)


if __name__ == "__main__":
    if version("ministack") != seams.RELEASE:
        raise SystemExit(f"this is for ministack {seams.RELEASE}, not {version('ministack')}")
    given = _arguments()
    if given.pid:
        given.pid.write_text(f"{os.getpid()}\n")
    asyncio.run(_main(given))
