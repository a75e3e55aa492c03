"""A line to a broker that can be made half-open: connections are taken, and nothing is ever said on them."""

import contextlib
import socket
import threading

CHUNK = 65_536


class SilentProxy:
    """Listens on a free port and passes bytes on; while `silent`, they go nowhere and no side is told."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self.silent = threading.Event()
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

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
