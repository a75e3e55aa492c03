"""Reading one HTTP/1.1 answer so strictly that a broken one cannot pass for a whole one.

The standard library reports `HTTP/1.1 200 OK\\r\\nCon` followed by a close as a clean 200 with an empty body.
Here an answer has a status only once its header block ended, and is complete only once every byte announced
by Content-Length or by the last chunk was read (RFC 9112, sections 2 to 7).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from requests.structures import CaseInsensitiveDict

from ecsclient.errors import plain

_HEAD_LIMIT: Final = 64 * 1024
_INTERIM_LIMIT: Final = 10
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: ([^\r\n\x00]*))?")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\x00]*)")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
_CHUNK_LINE_LIMIT: Final = 4096

Receive = Callable[[], bytes]


class AnswerBroken(Exception):
    """The bytes that came are no whole HTTP answer; the message says where they stop making sense."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of a final answer."""

    status: int
    reason: str
    headers: Mapping[str, str]


class AnswerReader:
    """Reads an answer from `receive`, which gives some bytes, or none at the end of the stream.

    `body` holds what was read of the body so far, also after an error.
    """

    def __init__(self, receive: Receive, *, max_body: int) -> None:
        self._receive = receive
        self._max_body = max_body
        self._buffer = bytearray()
        self.body = bytearray()

    def head(self) -> Head:
        """The status and headers of the final answer; interim answers (100 to 199) are passed over.

        Raises AnswerBroken, and whatever `receive` raises.
        """
        for _ in range(_INTERIM_LIMIT):
            head = _parse_head(self._until(b"\r\n\r\n", _HEAD_LIMIT))
            # 101 would change the protocol, which was never asked for.
            if head.status >= 200 or head.status == 101:
                return head
        raise AnswerBroken(f"more than {_INTERIM_LIMIT} interim answers")

    def read_body(self, head: Head) -> None:
        """Read the whole body into `body`. Raises AnswerBroken where it is not whole, is longer than allowed,
        or where nothing tells where it ends."""
        if head.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise AnswerBroken("the body is compressed although that was not asked for")
        coding, length = head.headers.get("Transfer-Encoding"), head.headers.get("Content-Length")
        if head.status in (101, 204, 304):
            if length not in (None, "0") or coding is not None:
                raise AnswerBroken(f"status {head.status} with a body")
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise AnswerBroken("Transfer-Encoding is not 'chunked' alone")
            self._chunked()
        elif length is not None:
            self._exactly(_length(length))
        else:
            self._rest()

    def _more(self) -> None:
        data = self._receive()
        if not data:
            raise AnswerBroken("the connection was closed in the middle of the answer")
        self._buffer += data

    def _until(self, mark: bytes, limit: int) -> bytes:
        searched = 0
        while (end := self._buffer.find(mark, max(0, searched - len(mark)))) < 0:
            if len(self._buffer) > limit:
                raise AnswerBroken(f"more than {limit} bytes without the end of a line or of the headers")
            searched = len(self._buffer)
            self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return line

    def _exactly(self, size: int) -> None:
        room = self._max_body - len(self.body)
        wanted = min(size, room)
        while wanted > 0:
            if not self._buffer:
                self._more()
            part = self._buffer[:wanted]
            del self._buffer[: len(part)]
            self.body += part
            wanted -= len(part)
        if size > room:
            raise AnswerBroken(f"the body is longer than {self._max_body} bytes")

    def _chunked(self) -> None:
        while True:
            line = _CHUNK_SIZE.fullmatch(self._until(b"\r\n", _CHUNK_LINE_LIMIT))
            if line is None:
                raise AnswerBroken("a chunk has no size")
            size = int(line[1], 16)
            if size == 0:
                break
            self._exactly(size)
            if self._until(b"\r\n", _CHUNK_LINE_LIMIT):
                raise AnswerBroken("a chunk is longer than its size")
        trailers = 0
        while line_of_trailer := self._until(b"\r\n", _CHUNK_LINE_LIMIT):
            trailers += len(line_of_trailer)
            if trailers > _HEAD_LIMIT:
                raise AnswerBroken("the trailers do not end")

    def _rest(self) -> None:
        """Nothing tells the length: keep what comes, and say that nobody knows whether it is all."""
        self.body += self._buffer[: self._max_body]
        self._buffer.clear()
        while len(self.body) < self._max_body and (data := self._receive()):
            self.body += data[: self._max_body - len(self.body)]
        raise AnswerBroken("neither Content-Length nor chunks tell where the body ends")


def _length(text: str) -> int:
    # Equal repeats were joined by ", "; different ones are an attack or a bug.
    values = {value.strip() for value in text.split(",")}
    value = values.pop()
    if values or not re.fullmatch(r"[0-9]{1,15}", value):
        raise AnswerBroken("Content-Length is not one number")
    return int(value)


def _parse_head(block: bytes) -> Head:
    first, *lines = block.split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise AnswerBroken("the first line is no status line of HTTP/1.1")
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise AnswerBroken("a line between the headers is no header")
        name, value = header[1].decode("ascii"), header[2].strip(b" \t").decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    reason = plain((status_line[2] or b"").decode("latin-1"))[:200]
    return Head(int(status_line[1]), reason, headers)
