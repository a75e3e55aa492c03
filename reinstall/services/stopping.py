"""How this process leaves: no further job is taken, and the steps under way are finished."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_changed = threading.Condition()
_under_way = 0
_leaving = False


@contextmanager
def step() -> Iterator[bool]:
    """Around each step of a job. Yields False, and the caller takes no job, once the process is leaving."""
    global _under_way
    with _changed:
        if _leaving:
            go = False
        else:
            go = True
            _under_way += 1
    try:
        yield go
    finally:
        if go:
            with _changed:
                _under_way -= 1
                _changed.notify_all()


def leave() -> None:
    """From now on no step begins in this process. Safe to call from anywhere but a signal handler."""
    global _leaving
    with _changed:
        _leaving = True


def leaving() -> bool:
    """Whether this process was told to leave: what can be broken off ends now."""
    return _leaving


def drain(seconds: float) -> bool:
    """Takes no further job and waits for the steps under way. False when some were not over in time."""
    leave()
    with _changed:
        return _changed.wait_for(lambda: _under_way == 0, timeout=seconds)


def stay() -> None:
    """Takes jobs again: a process that was told to leave and did not (tests, mostly)."""
    global _leaving
    with _changed:
        _leaving = False
