"""Reads HTTP requests from a socket and writes answers to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

import h11

from simulator.cloud import Cloud
from simulator.faults import Fault
from simulator.messages import GatewayRefusal, Refusal, Request, Response

MAX_BODY = 12 * 1024 * 1024
MAX_HEAD = 128 * 1024
CHUNK = 65_536
LINGER_S = 2.0


class Hangup(Exception):
    """The other side is gone, or has said nothing more to answer."""


class EarlyFault(Exception):
    """A planted fault that acts before the body is read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.do)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Incoming:
    """One complete request; `keep` tells whether the connection stays open after it."""

    request: Request
    keep: bool


class Wire:
    """One connection. Requests are read one after the other; what came too early is kept."""

    def __init__(self, cloud: Cloud, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.cloud = cloud
        self.reader = reader
        self.writer = writer
        peer = writer.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self._early = b""

    async def next_request(self) -> Incoming:
        """Raises Hangup, EarlyFault, or Refusal for what is not HTTP or too large."""
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        if self._early:
            parser.receive_data(self._early)
            self._early = b""
        try:
            head = await self._head(parser)
            body = await self._body(parser)
        except h11.RemoteProtocolError as error:
            status, text = (
                (494, "Request headers too large") if error.error_status_hint == 431 else (400, None)
            )
            raise GatewayRefusal(status, "APIGW.0201", text or "API request error") from None
        self._early = parser.trailing_data[0]
        keep = parser.their_state is h11.DONE
        return Incoming(_request(head, bytes(body), self.peer), keep)

    async def _head(self, parser: h11.Connection) -> h11.Request:
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                if sum(len(name) + len(value) + 4 for name, value in event.headers) > MAX_HEAD:
                    raise GatewayRefusal(494, "APIGW.0201", "Request headers too large")
                method, path = event.method.decode(), event.target.decode("latin-1").split("?", 1)[0]
                fault = self.cloud.meet_head(method, path)
                if fault is not None:
                    raise EarlyFault(fault)
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise Hangup
            await self._feed(parser)

    async def _body(self, parser: h11.Connection) -> bytearray:
        body = bytearray()
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY:
                    raise GatewayRefusal(413, "APIGW.0201", "Request entity too large")
            elif isinstance(event, h11.EndOfMessage):
                return body
            elif event is h11.NEED_DATA:
                if parser.they_are_waiting_for_100_continue:
                    self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await self._feed(parser)
            else:
                raise Hangup

    async def _feed(self, parser: h11.Connection) -> None:
        data = await self.reader.read(CHUNK)
        if not data and parser.their_state is h11.IDLE:
            raise Hangup
        parser.receive_data(data)

    async def send(self, response: Response, *, keep: bool) -> None:
        """Writes a whole, well-formed answer."""
        self.writer.write(head_bytes(response, len(response.body), keep=keep) + response.body)
        await self.writer.drain()


def _request(head: h11.Request, body: bytes, peer: str) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return Request(head.method.decode(), head.target.decode("latin-1"), headers, body, peer)


def head_bytes(response: Response, length: int | None, *, keep: bool) -> bytes:
    """Status line and headers; `length` None leaves Content-Length out."""
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if length is not None and response.status != 204:
        lines.append(f"Content-Length: {length}")
    lines.append("Connection: keep-alive" if keep else "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def refuse(wire: Wire, refusal: Refusal) -> None:
    """Answers what could not be read as a request; the connection ends after that.

    What the other side is still sending is read and thrown away for a moment: closing with unread bytes
    would reset the connection, and the refusal could be lost.
    """
    await wire.send(refusal.response, keep=False)
    wire.writer.write_eof()
    try:
        async with asyncio.timeout(LINGER_S):
            while await wire.reader.read(CHUNK):
                pass
    except TimeoutError:
        return
