"""Where requests come in: understood, counted, throttled, spoilt or answered."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from jupyter_flotilla.testing.fake_ecs import wire
from jupyter_flotilla.testing.fake_ecs.botocore_door import Broken
from jupyter_flotilla.testing.fake_ecs.faults import Fault, Faults
from jupyter_flotilla.testing.fake_ecs.launching import Launcher
from jupyter_flotilla.testing.fake_ecs.refusals import Json, ServiceError
from jupyter_flotilla.testing.fake_ecs.throttle import Throttle
from jupyter_flotilla.testing.fake_ecs.world import World

#: Real seconds between two looks of a ReceiveMessage that waits.
_LOOK_S = 0.02


class Desk:
    """Answers HTTP requests.

    Parameters
    ----------
    world, throttle, launcher
        What it works with.
    actions
        (service, action) → who answers it.
    lock
        Held while a request is answered.
    """

    def __init__(
        self,
        world: World,
        throttle: Throttle,
        actions: Mapping[tuple[str, str], Callable[[Json], Json]],
        launcher: Launcher,
        lock: "threading.RLock",
    ) -> None:
        self._world = world
        self._throttle = throttle
        self._actions = actions
        self._launcher = launcher
        self._lock = lock
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.faulted: Counter[str] = Counter()

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> wire.Answer:
        """Answer one HTTP request.

        Raises
        ------
        Broken
            A planned fault breaks the connection.
        """
        try:
            call = wire.read(url, headers, body)
        except ServiceError as error:
            return wire.refusal("json-1.1", error, "unknown")
        deadline = time.monotonic() + self._patience_s(call)
        with self._lock:
            answer = self._answer(call)
        while call.action == "ReceiveMessage" and answer.body == b"{}":
            if time.monotonic() >= deadline:
                break
            time.sleep(_LOOK_S)
            with self._lock:
                self._world.catch_up()
                answer = self._done(call, self._world.uuid())
        return answer

    def _patience_s(self, call: wire.Call) -> float:
        asked = float(call.params.get("WaitTimeSeconds", 0))
        return min(asked, self._world.settings.long_poll_s)

    def _answer(self, call: wire.Call) -> wire.Answer:
        """Answer a call that has just arrived."""
        self._world.catch_up()
        self.calls[call.action] += 1
        request_id = self._world.uuid()
        try:
            self._throttle.take_call(call.action)
        except ServiceError as error:
            return self._refused(call, error, request_id)
        # after the throttle: a call that is not let in does not use up a planned fault
        fault = self.faults.next(call.action, self._world.random.random())
        if fault is None:
            return self._carried_out(call, request_id)
        self.faulted[fault.name] += 1
        if fault.failures and call.action == "RunTask":
            return self._carried_out(call, request_id, fault)
        if fault.has_effect:
            self._carried_out(call, request_id)
        return self._spoilt(call, fault, request_id)

    def _carried_out(
        self, call: wire.Call, request_id: str, refusal: Fault | None = None
    ) -> wire.Answer:
        try:
            answer = self._done(call, request_id, refusal)
        except ServiceError as error:
            return self._refused(call, error, request_id)
        self.accepted[call.action] += 1
        return answer

    def _done(self, call: wire.Call, request_id: str, refusal: Fault | None = None) -> wire.Answer:
        do = self._actions.get((call.service, call.action))
        if do is None:
            raise ServiceError("UnknownOperationException", f"{call.action} is not faked here")
        if refusal is None:
            return wire.answer(call, do(call.params), request_id)
        return wire.answer(call, self._launcher.run_task(call.params, refusal.failures), request_id)

    def _spoilt(self, call: wire.Call, fault: Fault, request_id: str) -> wire.Answer:
        if fault.breaks is not None:
            raise Broken(fault.breaks)
        if fault.body is not None:
            return wire.Answer(status=200, body=fault.body)
        error = fault.error or ServiceError("ServerException", fault.name, status=500)
        return self._refused(call, error, request_id)

    def _refused(self, call: wire.Call, error: ServiceError, request_id: str) -> wire.Answer:
        # "Rate exceeded" is the mark of a throttle, whatever code it comes with
        self.throttled[call.action] += error.message == "Rate exceeded"
        return wire.refusal(call.protocol, error, request_id)
