"""Answers that go wrong on purpose. Each ends the connection."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable

from simulator.faults import Fault
from simulator.messages import Response
from simulator.wire import Wire, head_bytes

MEGABYTE = 1024 * 1024
Act = Callable[[Wire, Response, Fault], Awaitable[None]]


def reset(wire: Wire) -> None:
    """Ends the connection with a TCP reset."""
    raw = wire.writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.writer.transport.abort()


async def _drop(wire: Wire, response: Response, fault: Fault) -> None:
    reset(wire)


async def _close(wire: Wire, response: Response, fault: Fault) -> None:
    """Ends the connection the polite way, with nothing said."""


async def _wait(wire: Wire, seconds: float) -> None:
    """Waits, but no longer than the other side stays."""
    try:
        await asyncio.wait_for(wire.reader.read(1), timeout=seconds)
    except TimeoutError:
        return


async def _hang(wire: Wire, response: Response, fault: Fault) -> None:
    await _wait(wire, fault.seconds())


async def _headers_then_hang(wire: Wire, response: Response, fault: Fault) -> None:
    wire.writer.write(head_bytes(response, len(response.body), keep=False))
    await wire.writer.drain()
    await _wait(wire, fault.seconds())


async def _drip(wire: Wire, response: Response, fault: Fault) -> None:
    """Byte by byte, the whole answer spread over the seconds of the fault."""
    data = head_bytes(response, len(response.body), keep=False) + response.body
    for place in range(len(data)):
        wire.writer.write(data[place : place + 1])
        await wire.writer.drain()
        await asyncio.sleep(fault.seconds() / len(data))


async def _truncate_body(wire: Wire, response: Response, fault: Fault) -> None:
    half = response.body[: len(response.body) // 2]
    wire.writer.write(head_bytes(response, len(response.body), keep=False) + half)
    await wire.writer.drain()


async def _truncate_headers(wire: Wire, response: Response, fault: Fault) -> None:
    head = head_bytes(response, len(response.body), keep=False)
    wire.writer.write(head[: len(head) // 2])
    await wire.writer.drain()


async def _bad_chunk(wire: Wire, response: Response, fault: Fault) -> None:
    """Chunked, with a size that is no number after the first good chunk."""
    chunked = Response(response.status, b"", {**response.headers, "Transfer-Encoding": "chunked"})
    first = response.body[: len(response.body) // 2] or b"{"
    body = b"%x\r\n%s\r\nzz\r\nbroken" % (len(first), first)
    wire.writer.write(head_bytes(chunked, None, keep=False) + body)
    await wire.writer.drain()


async def _big_body(wire: Wire, response: Response, fault: Fault) -> None:
    """The real answer, followed by so many megabytes of blanks; JSON parsers would accept it."""
    size = int(fault.numbers["mb"] * MEGABYTE)
    wire.writer.write(head_bytes(response, len(response.body) + size, keep=False) + response.body)
    block = b" " * CHUNK_SIZE
    while size > 0:
        wire.writer.write(block[:size])
        size -= len(block)
        await wire.writer.drain()


async def _gzip_bomb(wire: Wire, response: Response, fault: Fault) -> None:
    """A small body that unpacks to so many megabytes."""
    packed = gzip.compress(response.body + b" " * int(fault.numbers["mb"] * MEGABYTE))
    bomb = Response(response.status, packed, {**response.headers, "Content-Encoding": "gzip"})
    await wire.send(bomb, keep=False)


async def _delay(wire: Wire, response: Response, fault: Fault) -> None:
    await asyncio.sleep(fault.seconds())
    await wire.send(response, keep=False)


CHUNK_SIZE = 256 * 1024
ACTS: dict[str, Act] = {
    "drop_before_read": _drop,
    "drop_after_read": _drop,
    "drop_after_accept": _drop,
    "close_after_accept": _close,
    "hang": _hang,
    "headers_then_hang": _headers_then_hang,
    "drip": _drip,
    "truncate_body": _truncate_body,
    "truncate_headers": _truncate_headers,
    "bad_chunk": _bad_chunk,
    "big_body": _big_body,
    "gzip_bomb": _gzip_bomb,
    "delay": _delay,
}
# Nobody on the other side ever sees a status with these.
SILENT = ("drop_before_read", "drop_after_read", "drop_after_accept", "close_after_accept", "hang")
