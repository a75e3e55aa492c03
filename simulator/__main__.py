"""`python -m simulator`: the simulated cloud as a program of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from simulator.cloud import Cloud
from simulator.scenario import BadInput, Scenario, scenario_from_file
from simulator.server import serve
from simulator.state import StateFile


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same world")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the cloud in one of ours")
    parser.add_argument("--scenario", type=Path, help="JSON file: profile, sizes, limits")
    parser.add_argument(
        "--state", type=Path, help="file that keeps the world; read at the start if it exists"
    )
    parser.add_argument("--servers", type=int, help="number of servers in the first project")
    parser.add_argument(
        "--while-stdin", action="store_true", help="stop when standard input ends: its starter is gone"
    )
    given = parser.parse_args(argv)
    if given.servers is not None and not 0 <= given.servers <= 200_000:
        parser.error("--servers must be from 0 to 200000")
    if not 0 <= given.speed <= 1e6:
        parser.error("--speed must be from 0 to 1000000")
    return given


async def _main(given: argparse.Namespace, cloud: Cloud, keeper: StateFile | None) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if given.while_stdin:
        threading.Thread(target=_wait_for_starter, args=(loop, stop), daemon=True).start()

    def ready(port: int) -> None:
        print(f"simulator: listening on http://{given.host}:{port}", flush=True)

    await serve(cloud, host=given.host, port=given.port, ready=ready, stop=stop, keeper=keeper)


def _wait_for_starter(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Sets `stop` once nobody holds the other end of standard input any more, however the holder ended."""
    # Not sys.stdin: its lock, held here, would spoil the end of the interpreter.
    while os.read(0, 4096):
        pass
    # The loop may be over already, by a signal.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 0 after a signal to stop, 2 for input that cannot be used."""
    given = _arguments(argv)
    try:
        scenario = scenario_from_file(given.scenario) if given.scenario else Scenario()
        if given.servers is not None:
            first = next(iter(scenario.servers))
            scenario.servers = {**scenario.servers, first: given.servers}
        cloud = Cloud(given.seed, scenario, given.speed)
        keeper = StateFile(cloud, given.state) if given.state else None
        if keeper is not None:
            keeper.load()
        asyncio.run(_main(given, cloud, keeper))
    except BadInput as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"simulator: {given.host}:{given.port}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
