"""The listening socket: in this process for tests, or alone as a program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.cloud import Cloud
from simulator.control import PREFIX, cloud_json, console_reinstall, control
from simulator.faults import faults_from
from simulator.messages import Refusal
from simulator.scenario import Scenario, scenario_from, scenario_from_file
from simulator.state import StateFile
from simulator.wire import EarlyFault, Hangup, Incoming, Wire, refuse
from simulator.wire_faults import ACTS, SILENT, reset
from simulator.world import World


class Listener:
    """Accepts connections for one cloud until it is told to stop."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> None:
        """Begins to listen; `port` 0 takes a free one, found in `self.port` afterwards."""
        self._server = await asyncio.start_server(self._accept, host, port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stops listening and ends every connection at once."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(self.cloud, reader, writer)
        try:
            while await self._one(wire):
                pass
        except EarlyFault:
            reset(wire)
        except (Hangup, OSError):
            pass
        finally:
            writer.close()

    async def _one(self, wire: Wire) -> bool:
        """One request and its answer; tells whether another may follow."""
        try:
            incoming = await wire.next_request()
        except Refusal as refusal:
            await refuse(wire, refusal)
            return False
        if incoming.request.path.startswith(PREFIX):
            await wire.send(control(self.cloud, incoming.request), keep=incoming.keep)
            return incoming.keep
        return await self._answer(wire, incoming)

    async def _answer(self, wire: Wire, incoming: Incoming) -> bool:
        outcome = self.cloud.handle(incoming.request)
        act = ACTS.get(outcome.fault.do) if outcome.fault else None
        if outcome.fault is None or outcome.fault.do not in SILENT:
            outcome.row.status = outcome.response.status
        if act is None or outcome.fault is None:
            await wire.send(outcome.response, keep=incoming.keep)
            return incoming.keep
        await act(wire, outcome.response, outcome.fault)
        return False


async def serve(
    cloud: Cloud,
    *,
    host: str,
    port: int,
    ready: Callable[[int], None],
    stop: asyncio.Event,
    keeper: StateFile | None = None,
) -> None:
    """Listens until `stop` is set; calls `ready` with the port. The state is saved once more at the end."""
    listener = Listener(cloud)
    await listener.open(host, port)
    saving = asyncio.get_running_loop().create_task(_keep(keeper)) if keeper else None
    ready(listener.port)
    try:
        await stop.wait()
    finally:
        await listener.close()
        if saving is not None and keeper is not None:
            saving.cancel()
            keeper.save()


async def _keep(keeper: StateFile) -> None:
    while True:
        await asyncio.sleep(keeper.save_if_changed())


class RunningSimulator:
    """A simulator in a thread of this process. Methods may be called from any thread.

    `world` may be read and changed directly while `lock` is held: `with sim.lock: ...`.
    """

    def __init__(self, cloud: Cloud, host: str, port: int) -> None:
        self.cloud = cloud
        self.host = host
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, args=(port,), name="simulator", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self, port: int) -> None:
        try:
            asyncio.run(self._main(port))
        except BaseException as error:
            self._failure = error
            self._started.set()

    async def _main(self, port: int) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(self.cloud, host=self.host, port=port, ready=self._ready, stop=self._stop)

    def _ready(self, port: int) -> None:
        self.port = port
        self._started.set()

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def lock(self) -> threading.RLock:
        return self.cloud.lock

    @property
    def world(self) -> World:
        return self.cloud.world

    def stop(self) -> None:
        """Ends all connections and the thread. May be called twice."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """`{"requests": [...], "accepted": [...]}`, as `GET /_sim/ledger`."""
        with self.cloud.lock:
            return self.cloud.ledger.as_dict()

    def accepted(self) -> list[dict[str, Any]]:
        """The reinstalls taken on, oldest first."""
        return self.ledger()["accepted"]

    def faults(self, planted: Sequence[Mapping[str, Any]]) -> None:
        """Adds faults, as `POST /_sim/faults`. Raises BadInput."""
        new = faults_from(list(planted))
        with self.cloud.lock:
            self.cloud.faults.faults.extend(new)

    def clear_faults(self) -> None:
        with self.cloud.lock:
            self.cloud.faults.faults.clear()

    def advance(self, seconds: float) -> None:
        """Moves the cloud's time forward; what falls due has happened when this returns."""
        with self.cloud.lock:
            self.cloud.clock.advance(seconds)
            self.cloud.settle()

    def set_speed(self, speed: float) -> None:
        with self.cloud.lock:
            self.cloud.clock.set_speed(speed)

    def console_reinstall(self, server_id: str, user: str = "ana.weber") -> str:
        """Somebody else reinstalls the server at the console; the job's id, as `POST /_sim/reinstall`."""
        with self.cloud.lock:
            return console_reinstall(self.cloud, server_id, user)

    def reset(self) -> None:
        self.cloud.reset()

    def cloud_json(
        self, project: str = "shop-prod", kind: str = "aksk", user: str = "svc-reinstall"
    ) -> dict[str, Any]:
        """What the portal's `cloud add` takes, as `GET /_sim/cloud.json`."""
        with self.cloud.lock:
            return cloud_json(self.cloud, self.base_url, project, kind, user)


def start_in_thread(
    *,
    port: int = 0,
    seed: int = 1,
    speed: float = 1.0,
    scenario: Scenario | Mapping[str, Any] | Path | None = None,
    host: str = "127.0.0.1",
) -> RunningSimulator:
    """Starts a simulator that listens when this returns. Raises BadInput for a bad scenario."""
    if isinstance(scenario, Path):
        chosen = scenario_from_file(scenario)
    elif isinstance(scenario, Scenario):
        chosen = scenario
    else:
        chosen = scenario_from(scenario or {})
    return RunningSimulator(Cloud(seed, chosen, speed), host, port)
