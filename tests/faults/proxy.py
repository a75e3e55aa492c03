"""Lines that go bad: silent, led to another host, cut off at a COMMIT."""

import contextlib
import socket
import threading

CHUNK = 65_536
#: As the PostgreSQL protocol spells them: a simple query, its length, the text.
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
ROLLBACK = b"Q\x00\x00\x00\x0dROLLBACK\x00"


class SilentProxy:
    """Listens on a free port and passes bytes on; while `silent`, they go nowhere and no side is told."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self.silent = threading.Event()
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lead_to(self, port: int) -> None:
        """New connections end there from now on, as when an address moves to another host."""
        self._to = (self._to[0], port)

    def close(self) -> None:
        self._ended.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        while self.silent.is_set() and not self._ended.wait(0.1):
            pass
        try:
            far = socket.create_connection(self._to, timeout=5)
        except OSError:
            return near.close()
        far.settimeout(None)
        back = threading.Thread(target=self._pass, args=(far, near), daemon=True)
        back.start()
        self._pass(near, far)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(CHUNK):
                while self.silent.is_set() and not self._ended.wait(0.1):
                    pass
                target.sendall(block)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class CuttingProxy:
    """A line to PostgreSQL, without TLS, that breaks once: at the COMMIT of what `holds` a text.

    `executed` says which half is lost: False, the COMMIT never reaches the server; True, it is executed and
    its answer does not come back. With `stays_away` every other connection breaks too, and none is made.
    """

    def __init__(
        self, host: str, port: int, *, holds: bytes, executed: bool, stays_away: bool = False
    ) -> None:
        self._to, self._holds, self._executed, self._stays_away = (host, port), holds, executed, stays_away
        self.cut = threading.Event()
        self._away = threading.Event()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # A thread that waits in accept() would keep the port open after close().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        if self._away.is_set():
            return near.close()
        far = socket.create_connection(self._to, timeout=5)
        far.settimeout(None)
        self._ends += near, far
        swallow = threading.Event()
        answers = threading.Thread(target=self._answer, args=(far, near, swallow), daemon=True)
        answers.start()
        with contextlib.suppress(OSError):
            self._ask(near, far, swallow)
        if swallow.is_set():
            # The server is alone with the COMMIT now: it is over when its answer is there.
            answers.join(5)
        _hang_up(near, far)

    def _ask(self, near: socket.socket, far: socket.socket, swallow: threading.Event) -> None:
        """Passes on what the portal says, until it hangs up or the line breaks."""
        said = b""
        while block := near.recv(CHUNK):
            said += block
            if not said.endswith(COMMIT):
                # A transaction that is given up is not the one that commits next.
                said = b"" if said.endswith(ROLLBACK) else said
            elif self._holds in said and not self.cut.is_set():
                self.cut.set()
                if self._stays_away:
                    self._away.set()
                    _hang_up(*(end for end in self._ends if end not in (near, far)))
                if self._executed:
                    swallow.set()
                    far.sendall(block)
                return
            else:
                said = b""
            far.sendall(block)

    def _answer(self, far: socket.socket, near: socket.socket, swallow: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while block := far.recv(CHUNK):
                if swallow.is_set():
                    return
                near.sendall(block)
        _hang_up(near, far)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
