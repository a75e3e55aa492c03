"""Who holds a claim."""

import os
import socket
import threading


def owner() -> str:
    """This thread, by host, process and thread: what is written beside everything that is claimed."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident()}"
