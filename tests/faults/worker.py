"""Workers that may be killed and come back at once: a parent that has Django loaded, and forks.

`python -m tests.faults.worker --children 4`: each child runs the product's own sweep over and over, as a
queue would make it do. The parent prints a line for each child that died. `--once` brings none back.
"""

import argparse
import os
import signal
import sys
import time

import django


def main() -> int:
    """Runs until SIGTERM; with `--once` until the last child died."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--children", type=int, default=1)
    parser.add_argument("--once", action="store_true")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecsportal.settings")
    django.setup()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children = {_fork() for _ in range(given.children)}
    try:
        while children:
            child, status = os.wait()
            children.discard(child)
            print(f"died {child} {os.waitstatus_to_exitcode(status)}", flush=True)
            if not given.once:
                children.add(_fork())
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
    return 0


def _fork() -> int:
    child = os.fork()
    if child:
        print(f"born {child}", flush=True)
        return child
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        _sweep_for_ever()
    finally:
        os._exit(1)


def _sweep_for_ever() -> None:
    from reinstall import tasks
    from reinstall.models.clock import database_now
    from reinstall.services import claims, outbox

    while True:
        try:
            tasks.sweep()
            outbox.deliver_due(clock=database_now, owner=claims.owner(), send=lambda _: None)
        except Exception as error:
            # A database that is away: the queue would bring the next sweep as well.
            print(f"sweep failed: {type(error).__name__}: {error}", flush=True)
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
