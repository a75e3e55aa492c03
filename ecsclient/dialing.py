"""Opening a TCP connection to a name: looked up once, and connected to the very address that was checked."""

import socket
import threading
import time

from ecsclient.addresses import AddressRule, any_other, why_refused

_Sockaddr = tuple[str, int] | tuple[str, int, int, int]


def dial(host: str, port: int, seconds: float, refuses: AddressRule = any_other) -> socket.socket:
    """A connected socket whose timeout is `seconds`, which also limits the lookup and all tries together.

    Raises TimeoutError where the time was over, OSError where the name has no address, every address refused
    the connection, or is one that no cloud has or that `refuses` speaks against.
    """
    deadline = time.monotonic() + seconds
    failure = OSError(f"the name {host} has no address")
    for family, address in _resolve(host, port, seconds):
        refused = why_refused(str(address[0])) or refuses(str(address[0]))
        if refused:
            failure = OSError(f"the address is refused: {refused}")
            continue
        stream = socket.socket(family, socket.SOCK_STREAM)
        try:
            stream.settimeout(max(0.001, deadline - time.monotonic()))
            stream.connect(address)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.settimeout(seconds)
            return stream
        except OSError as error:
            stream.close()
            failure = error
    raise failure


def addresses_of(host: str, port: int, seconds: float, refuses: AddressRule = any_other) -> tuple[str, ...]:
    """The IP addresses of a name, each once. Raises as `dial` does, also where one of several is refused."""
    found = dict.fromkeys(str(address[0]) for _, address in _resolve(host, port, seconds))
    if not found:
        raise OSError(f"the name {host} has no address")
    for address in found:
        refused = why_refused(address) or refuses(address)
        if refused:
            raise OSError(f"the address is refused: {refused}")
    return tuple(found)


def _resolve(host: str, port: int, seconds: float) -> list[tuple[socket.AddressFamily, _Sockaddr]]:
    """The addresses of a name. The system's lookup knows no timeout, so it gets a thread of its own, which
    ends by itself some time later when it is left behind."""
    found: list[tuple[socket.AddressFamily, _Sockaddr]] = []
    problem: list[Exception] = []

    def look_up() -> None:
        try:
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                if isinstance(address[0], str):
                    found.append((family, address))
        except (OSError, UnicodeError) as error:
            problem.append(error)

    thread = threading.Thread(target=look_up, name="name-lookup", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    if thread.is_alive():
        raise TimeoutError(f"looking up the name {host} took too long")
    if problem:
        raise OSError(f"the name {host} cannot be looked up: {problem[0]}")
    return found
