"""The one-shot transport against real sockets: every fault, and the phase it must be reported with.

A fault told as 'never sent' although a byte may have left would let a server be wiped twice.
"""

import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecsclient.transport import OneShotResult, Phase, post_once
from tests.ecsclient.rawserver import (
    Behaviour,
    RawServer,
    answering,
    certificate,
    dripping,
    full_backlog,
    hang,
    reset,
)

BODY = b'{"os-reinstall":{"keyname":"k"}}'
JOB = b'{"job_id": "ff80808288d41e1b018990260955686a"}'
GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(JOB), JOB)


def post(url: str, **more: Any) -> OneShotResult:
    limits = {"connect_timeout": 2.0, "read_timeout": 2.0, "wall": 5.0} | more
    return post_once(url=url + "/v2/p/reinstallos", headers={"X-Project-Id": "p"}, body=BODY, **limits)


def run(behave: Behaviour, **more: Any) -> tuple[OneShotResult, RawServer]:
    with RawServer(behave) as server:
        result = post(server.url, **more)
        assert server.connections == 1, "one shot means one connection"
    return result, server


def unread(end: Callable[[socket.socket], None]) -> Behaviour:
    """Wait until something of the request arrived, leave it unread, and end the connection."""

    def behave(connection: socket.socket, _: RawServer) -> None:
        connection.recv(1, socket.MSG_PEEK)
        end(connection)

    return behave


class TestAWholeAnswer:
    def test_is_complete_and_the_request_is_exactly_what_was_given(self) -> None:
        result, server = run(answering(GOOD))
        assert (result.phase, result.status, result.reason) == (Phase.COMPLETE, 200, "OK")
        assert (result.body, result.complete, result.error) == (JOB, True, "")
        assert result.headers["content-TYPE"] == "application/json"
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert body == BODY
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /v2/p/reinstallos HTTP/1.1"
        assert {line.split(": ")[0]: line.split(": ", 1)[1] for line in lines[1:]} == {
            "X-Project-Id": "p",
            "Host": f"127.0.0.1:{server.port}",
            "User-Agent": "ecsportal-ecsclient/0.1",
            "Accept": "application/json",
            "Content-Length": str(len(BODY)),
            "Accept-Encoding": "identity",
            "Connection": "close",
        }

    @pytest.mark.parametrize(
        ("payload", "status", "body"),
        [
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
            (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}"),
            (b"HTTP/1.0 400 Bad\r\nContent-Length: 2, 2\r\n\r\n{}", 400, b"{}"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + GOOD, 200, JOB),
            (
                b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"1;a=b\r\n{\r\n0001\r\n}\r\n0\r\nX-T: 1\r\n\r\n",
                202,
                b"{}",
            ),
            (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500, b""),
        ],
        ids=["204", "no-reason", "equal-lengths", "interim", "chunked", "empty-500"],
    )
    def test_in_other_forms(self, payload: bytes, status: int, body: bytes) -> None:
        result, _ = run(answering(payload))
        assert (result.phase, result.status, result.body, result.error) == (Phase.COMPLETE, status, body, "")

    def test_that_comes_byte_by_byte_within_the_limits(self) -> None:
        result, _ = run(dripping(GOOD, 0.001))
        assert (result.phase, result.body) == (Phase.COMPLETE, JOB)

    def test_a_redirect_is_an_answer_and_is_not_followed(self) -> None:
        with RawServer(answering(GOOD)) as other:
            for status in (301, 302, 303, 307, 308):
                location = f"HTTP/1.1 {status} Go\r\nLocation: {other.url}/x\r\nContent-Length: 0\r\n\r\n"
                result, _ = run(answering(location.encode()))
                assert (result.phase, result.status) == (Phase.COMPLETE, status)
            assert other.connections == 0

    def test_no_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with RawServer(answering(GOOD)) as proxy:
            for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            result, _ = run(answering(GOOD))
            assert result.complete
            assert proxy.connections == 0


class TestNeverSent:
    """Phases NEW and CONNECTED: no byte of the request can have arrived."""

    def test_refused(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        result = post(f"http://127.0.0.1:{port}")
        assert (result.phase, result.was_sent, result.status) == (Phase.NEW, False, None)
        assert "refused" in result.error.lower()

    def test_connect_timeout(self) -> None:
        with full_backlog() as url:
            started = time.monotonic()
            result = post(url, connect_timeout=0.3)
        assert (result.phase, result.was_sent) == (Phase.NEW, False)
        assert 0.2 < time.monotonic() - started < 1.5

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "a..b"])
    def test_a_name_without_address(self, host: str) -> None:
        result = post(f"http://{host}", connect_timeout=3)
        assert (result.phase, result.was_sent) == (Phase.NEW, False)
        assert "name" in result.error

    @pytest.mark.parametrize(
        "host",
        ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "224.0.0.1"],
    )
    def test_addresses_no_cloud_has_are_refused_before_connecting(self, host: str) -> None:
        started = time.monotonic()
        result = post(f"http://{host}")
        assert (result.phase, result.was_sent) == (Phase.NEW, False)
        assert "the address is refused" in result.error
        assert time.monotonic() - started < 1

    @pytest.mark.parametrize(
        ("host", "days", "trusted", "words"),
        [
            ("127.0.0.1", 1, False, "self-signed"),
            ("127.0.0.1", -1, True, "expired"),
            ("other.example", 1, True, "mismatch"),
        ],
    )
    def test_certificates(self, tmp_path: Path, host: str, days: int, trusted: bool, words: str) -> None:
        context, cert = certificate(tmp_path, host=host, days=days)
        client = ssl.create_default_context(cafile=cert) if trusted else None
        with RawServer(answering(GOOD), tls=context) as server:
            result = post(server.url, tls_context=client)
        assert (result.phase, result.was_sent, server.requests) == (Phase.CONNECTED, False, [])
        assert words in result.error

    @pytest.mark.parametrize(
        "behave",
        [
            hang,
            dripping(b"\x16\x03\x03\x40\x00" + b"\x02" * 99, 0.05),
            lambda c, s: None,
            lambda c, s: reset(c),
        ],
        ids=["hang", "drip", "close", "reset"],
    )
    def test_a_broken_handshake(self, behave: Behaviour) -> None:
        # Written for TLS but served plainly: nothing sensible ever answers the client's hello.
        def serve(connection: socket.socket, server: RawServer) -> None:
            connection.recv(65536)
            behave(connection, server)

        with RawServer(serve) as server:
            started = time.monotonic()
            result = post(server.url.replace("http:", "https:"), connect_timeout=0.4)
            assert time.monotonic() - started < 2
        assert (result.phase, result.was_sent) == (Phase.CONNECTED, False)
        assert result.error

    def test_plain_http_on_the_tls_port(self) -> None:
        def serve(connection: socket.socket, _: RawServer) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with RawServer(serve) as server:
            result = post(server.url.replace("http:", "https:"))
        assert (result.phase, result.was_sent, result.status) == (Phase.CONNECTED, False, None)

    def test_a_wall_that_is_over_before_anything_is_sent(self) -> None:
        with RawServer(answering(GOOD)) as server:
            result = post(server.url, wall=0)
            assert (result.phase, server.connections) == (Phase.NEW, 0)


class TestMayHaveArrived:
    """From SENDING on nobody can know, whatever the answer looks like."""

    @pytest.mark.parametrize(
        ("behave", "phases"),
        [
            (unread(reset), {Phase.SENDING, Phase.SENT}),
            (unread(socket.socket.close), {Phase.SENDING, Phase.SENT}),
            (answering(b"", lambda c, s: reset(c)), {Phase.SENT}),
            (lambda c, s: s.read(c), {Phase.SENT}),
            (answering(b"HTTP/1.1 200 OK\r\nCon"), {Phase.SENT}),
            (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), {Phase.SENT}),
            (answering(b"HTTP/1.1 100 Continue\r\n\r\n"), {Phase.SENT}),
            (answering(b"HTTP/1.1 100 Continue\r\n\r\n" * 30 + GOOD), {Phase.SENT}),
            (answering(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), {Phase.SENT}),
            (answering(b"HTTP/2 200\r\n\r\n"), {Phase.SENT}),
            (answering(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"), {Phase.SENT}),
            (answering(b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"), {Phase.SENT}),
            (answering(b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n"), {Phase.SENT}),
            (answering(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000), {Phase.SENT}),
        ],
        ids=[
            "reset-before-read",
            "close-before-read",
            "reset-after-read",
            "close-after-read",
            "cut-header",
            "no-end-of-headers",
            "interim-only",
            "endless-interim",
            "not-http",
            "http2",
            "bare-newlines",
            "bad-name",
            "folded",
            "endless-header",
        ],
    )
    def test_no_whole_headers_means_no_status(self, behave: Behaviour, phases: set[Phase]) -> None:
        result, _ = run(behave)
        assert result.phase in phases
        assert (result.was_sent, result.status, result.complete, result.body) == (True, None, False, b"")
        assert result.error

    @pytest.mark.parametrize(
        ("rest", "body"),
        [
            (b"Content-Length: 60\r\n\r\n" + JOB, JOB),
            (b"Content-Length: 60\r\n\r\n", b""),
            (b"\r\n" + JOB, JOB),
            (b"Content-Length: -1\r\n\r\n" + JOB, b""),
            (b"Content-Length: 46\r\nContent-Length: 47\r\n\r\n" + JOB, b""),
            (b"Content-Length: 46\r\nTransfer-Encoding: chunked\r\n\r\n" + JOB, b""),
            (b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b""),
            (b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b""),
            (b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", b""),
            (b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", b"{}"),
            (b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"{}"),
            (b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n", b"{}"),
            (b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}", b"{}"),
            (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", b""),
            (b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", b""),
            (b"Transfer-Encoding: chunked\r\n\r\n", b""),
        ],
    )
    def test_a_body_that_is_not_whole(self, rest: bytes, body: bytes) -> None:
        result, _ = run(answering(b"HTTP/1.1 200 OK\r\n" + rest))
        assert (result.phase, result.status, result.was_sent) == (Phase.HEADERS, 200, True)
        assert (result.complete, result.body) == (False, body)
        assert result.error

    def test_a_204_that_announces_a_body(self) -> None:
        result, _ = run(answering(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"))
        assert (result.phase, result.status, result.complete) == (Phase.HEADERS, 204, False)

    @pytest.mark.parametrize(
        ("behave", "phase", "status"),
        [
            (answering(b"", hang), Phase.SENT, None),
            (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", hang), Phase.HEADERS, 200),
            (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", hang), Phase.HEADERS, 200),
        ],
        ids=["silence", "headers-then-silence", "body-then-silence"],
    )
    def test_silence_ends_at_the_read_timeout(
        self, behave: Behaviour, phase: Phase, status: int | None
    ) -> None:
        started = time.monotonic()
        result, _ = run(behave, read_timeout=0.3)
        assert time.monotonic() - started < 1.5
        assert (result.phase, result.status, result.complete) == (phase, status, False)
        assert "silent" in result.error

    @pytest.mark.parametrize(
        ("payload", "phase"),
        [
            (GOOD * 9, Phase.SENT),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 99, Phase.HEADERS),
        ],
    )
    def test_a_dripping_server_is_cut_at_the_wall(self, payload: bytes, phase: Phase) -> None:
        every = 0.1 if phase is Phase.SENT else 0.01
        started = time.monotonic()
        result, _ = run(dripping(payload, every), wall=0.9, read_timeout=0.6)
        assert 0.7 < time.monotonic() - started < 2
        assert (result.phase, result.complete) == (phase, False)
        assert result.error == "the time for the whole call is over"

    def test_a_peer_that_does_not_read_is_cut_at_the_wall(self) -> None:
        with RawServer(hang) as server:
            started = time.monotonic()
            result = post_once(url=server.url, headers={}, body=b"x" * 30_000_000, read_timeout=5, wall=0.5)
            assert time.monotonic() - started < 2
        assert (result.phase, result.was_sent, result.status) == (Phase.SENDING, True, None)

    def test_fifty_megabytes_are_cut_and_do_not_fill_the_memory(self) -> None:
        def flood(connection: socket.socket, server: RawServer) -> None:
            server.read(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n")
            block = bytes(65536)
            for _ in range(800):
                connection.sendall(block)

        tracemalloc.start()
        try:
            result, _ = run(flood)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert (result.phase, result.status, result.complete) == (Phase.HEADERS, 200, False)
        assert len(result.body) == 1_000_000
        assert "longer than 1000000 bytes" in result.error
        assert peak < 8_000_000

    def test_a_chunk_of_fifty_megabytes_is_cut_too(self) -> None:
        payload = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3200000\r\n" + b"a" * 2_000_000
        result, _ = run(answering(payload), max_body=1000)
        assert (result.phase, len(result.body), result.complete) == (Phase.HEADERS, 1000, False)


class TestOverTls:
    def test_a_trusted_certificate_and_a_whole_answer(self, tmp_path: Path) -> None:
        context, cert = certificate(tmp_path)
        with RawServer(answering(GOOD), tls=context) as server:
            result = post(server.url, tls_context=ssl.create_default_context(cafile=cert))
        assert (result.phase, result.status, result.body) == (Phase.COMPLETE, 200, JOB)
        assert len(server.requests) == 1

    def test_a_connection_cut_without_goodbye(self, tmp_path: Path) -> None:
        context, cert = certificate(tmp_path)
        with RawServer(answering(GOOD[:-3], lambda c, s: reset(c)), tls=context) as server:
            result = post(server.url, tls_context=ssl.create_default_context(cafile=cert))
        assert (result.was_sent, result.complete) == (True, False)

    def test_a_dripping_server_is_cut_at_the_wall(self, tmp_path: Path) -> None:
        context, cert = certificate(tmp_path)
        with RawServer(dripping(GOOD * 9, 0.1), tls=context) as server:
            started = time.monotonic()
            result = post(server.url, tls_context=ssl.create_default_context(cafile=cert), wall=0.8)
            assert time.monotonic() - started < 2
        assert (result.phase, result.complete) == (Phase.SENT, False)


class TestWhatCannotBeSent:
    @pytest.mark.parametrize(
        "headers",
        [{"X-A": "a\r\nX-B: b"}, {"X-A": "a\nb"}, {"X A": "b"}, {"X-A:": "b"}, {"X-A": "ä"}, {"": "x"}],
    )
    def test_headers_that_would_break_out_of_their_line(self, headers: dict[str, str]) -> None:
        with RawServer(answering(GOOD)) as server:
            with pytest.raises(ValueError, match="header"):
                post_once(url=server.url, headers=headers, body=b"")
            assert server.connections == 0

    @pytest.mark.parametrize(
        "url",
        ["ftp://h/", "http:///x", "/x", "http://u:p@h/", "http://h:0/", "http://h:99999/", "http://h/ä b"],
    )
    def test_addresses(self, url: str) -> None:
        with pytest.raises(ValueError):
            post_once(url=url, headers={}, body=b"")

    def test_framing_headers_of_the_caller_are_not_used(self) -> None:
        with RawServer(answering(GOOD)) as server:
            given = {"content-length": "0", "Transfer-Encoding": "chunked", "connection": "keep-alive"}
            post_once(url=server.url, headers=given, body=BODY)
        head = server.requests[0].partition(b"\r\n\r\n")[0].lower()
        assert head.count(b"content-length:") == 1 and b"transfer-encoding" not in head
        assert b"keep-alive" not in head and b"connection: close" in head
