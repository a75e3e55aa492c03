"""Connections of the read side: which peers are refused, whether one ever stood, and a wall clock.

The timeouts of an HTTP library restart with every byte; a peer that sends one byte a second holds a call for
ever. Here a timer shuts the socket down.
"""

import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from ecsclient.addresses import AddressRule, any_other
from ecsclient.dialing import dial

_CONNECT_TIMEOUT: Final = 5.0
USER_AGENT: Final = "ecsportal-ecsclient/0.1"


class Watch:
    """Knows the socket of a call: whether the connection stood, and how to end it from another thread."""

    def __init__(self, refuses: AddressRule = any_other) -> None:
        self.refuses = refuses
        self.connected = False
        self.expired = False
        self._socket: socket.socket | None = None

    def stands(self, connection: socket.socket) -> None:
        self._socket = connection
        self.connected = True
        if self.expired:
            self.cut()

    def cut(self) -> None:
        self.expired = True
        if self._socket is not None:
            # Past the TLS object on purpose: its own shutdown is not safe from another thread. An error says
            # that the socket is closed already, which is what was wanted.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current: ContextVar[Watch | None] = ContextVar("_current", default=None)


def _watched(connection: HTTPConnection) -> None:
    watch, stream = _current.get(), connection.sock
    if watch is not None and stream is not None:
        watch.stands(stream)


def _dialled(connection: HTTPConnection) -> socket.socket:
    """A socket to an address that was checked, in place of the one the library would open."""
    seconds = connection.timeout if isinstance(connection.timeout, int | float) else _CONNECT_TIMEOUT
    watch = _current.get()
    if watch is None:
        # Nobody said which addresses are refused, and nothing would end the call.
        raise NewConnectionError(connection, "a connection outside of a watched call")
    try:
        return dial(connection.host, connection.port or 80, float(seconds), watch.refuses)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"no connection to {connection.host} in time") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _dialled(self)

    def connect(self) -> None:
        super().connect()
        _watched(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watched(self)
        super().request(*args, **kwargs)


class _Tls(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _dialled(self)

    def connect(self) -> None:
        super().connect()
        _watched(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watched(self)
        super().request(*args, **kwargs)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class _Watchdog:
    """One thread that ends the calls of all others; a timer of its own for each costs a fifth of a call."""

    def __init__(self) -> None:
        self._reset()
        # The thread does not follow into a child, and the lock may be held by one that did not either.
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[Watch, float] = {}
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def guard(self, watch: Watch, wall: float) -> None:
        """Cuts `watch` after `wall` seconds unless it is released before."""
        ends = time.monotonic() + wall
        with self._changed:
            self._ends[watch] = ends
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wall-clock", daemon=True)
                self._thread.start()
            elif ends < self._wakes_at:
                self._changed.notify()

    def release(self, watch: Watch) -> None:
        with self._changed:
            self._ends.pop(watch, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for watch in [watch for watch, ends in self._ends.items() if ends <= now]:
                    del self._ends[watch]
                    watch.cut()
                self._wakes_at = min(self._ends.values(), default=math.inf)
                self._changed.wait(None if self._wakes_at == math.inf else self._wakes_at - now)


_watchdog = _Watchdog()


@contextlib.contextmanager
def watching(wall: float, refuses: AddressRule = any_other) -> Iterator[Watch]:
    """Watches the calls of this thread inside the block; after `wall` seconds their socket is shut down.

    No address that `refuses` speaks against is connected to.
    """
    watch = Watch(refuses)
    token = _current.set(watch)
    _watchdog.guard(watch, wall)
    try:
        yield watch
    finally:
        _watchdog.release(watch)
        _current.reset(token)


def http_session() -> requests.Session:
    """A session that follows no proxy, netrc or CA setting of the environment and keeps no cookie."""
    http = requests.Session()
    http.trust_env = False
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    http.headers.clear()
    # Uncompressed, so that the limit on the size is a limit on the memory.
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    http.headers.update(headers)
    http.mount("http://", _Adapter())
    http.mount("https://", _Adapter())
    return http
