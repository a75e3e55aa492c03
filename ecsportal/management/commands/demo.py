"""`manage.py demo`: the whole portal on a laptop, beside a simulated cloud. Nothing real can be wiped."""

import fcntl
import json
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from reinstall.domain.actors import Actor, Source
from reinstall.models import Cloud, Project
from reinstall.services import clouds, inventory

DEMO = Actor(user_id=None, name="demo", source=Source.COMMAND, sees_all=True)
START_WITHIN_S = 20.0


class Command(BaseCommand):
    help = "Starts the portal with a simulated cloud, fills the inventory, prints address and account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--speed", type=float, default=5.0, help="times faster than a real cloud")
        parser.add_argument(
            "--empty", action="store_true", help="adds no project: the simulated cloud is yours to connect"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from ecsportal.embedded import run_portal, why_not_listen

        if not settings.ON_SQLITE:
            raise CommandError("demo runs on SQLite; unset ECSPORTAL_DATABASE_URL, or use serve.")
        if why := why_not_listen(options["host"], options["port"]):
            raise CommandError(why)
        with _only_one(settings.DATA_DIR):
            self._run(run_portal, options)

    def _run(self, run_portal: Callable[..., None], options: dict[str, Any]) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        simulator, address = _start_simulator(settings.DATA_DIR, options["speed"])
        try:
            _fill(address, add=not options["empty"])
            password = _account(settings.DATA_DIR)
            run_portal(
                host=options["host"],
                port=options["port"],
                ready=lambda: self._greet(options, password, address),
            )
        finally:
            simulator.terminate()
            simulator.wait(timeout=10)

    def _greet(self, options: dict[str, Any], password: str, address: str) -> None:
        lines = [
            "",
            f"  ecsportal   http://{options['host']}:{options['port']}/",
            f"  sign in     demo / {password}",
            "  cloud       simulated; nothing real can be wiped. Ctrl-C stops everything.",
            "",
        ]
        if options["empty"]:
            what = f"{address}/_sim/cloud.json?project=shop-prod"
            lines.insert(-1, f"  connect it  at Clouds, with what stands at {what}")
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Holds the directory: a second demo would point the projects of the first one at its own cloud."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                f"A demo runs on {data_dir} already. "
                "Stop it with Ctrl-C, or set ECSPORTAL_DATA_DIR for this one."
            ) from None
        yield


def _start_simulator(data_dir: Path, speed: float) -> tuple[subprocess.Popen[str], str]:
    """The simulator as a process of its own, and its base URL; its state survives in the data directory.

    It ends with this process, also when that is killed: then the pipe to it is closed by the system.
    """
    command = [sys.executable, "-m", "simulator", "--port", "0", "--speed", str(speed), "--while-stdin"]
    command += ["--state", str(data_dir / "simulator.json")]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    address = next((word.rstrip("/.,") for word in line.split() if word.startswith("http://")), "")
    if not address:
        process.terminate()
        raise CommandError(f"The simulator did not start: {line.strip() or 'no output'}")
    return process, address


def _fill(address: str, *, add: bool) -> None:
    """Adds the simulated projects once if asked to, points them at today's port, and reads the inventory."""
    for name in ("shop-prod", "shop-staging"):
        document = _ask(f"{address}/_sim/cloud.json?project={name}")
        project = Project.objects.filter(slug=name).first()
        if project is None and not add:
            continue
        if project is None:
            project = clouds.add_project(actor=DEMO, now=now(), document=document)
        else:
            # The simulator listens elsewhere after each start; a real cloud stays where it is.
            Cloud.objects.filter(pk=project.cloud_id).update(endpoints=document["endpoints"])
            project.refresh_from_db()
        report = inventory.sync_project(actor=DEMO, now=now(), project=project)
        if report.problems:
            raise CommandError(" ".join(report.problems))


def _ask(url: str) -> dict[str, Any]:
    """A document of our own simulator's control; it may need a moment to listen."""
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # nosec B310
                document: dict[str, Any] = json.load(answer)
                return document
        except OSError as error:
            if time.monotonic() > deadline:
                raise CommandError(f"The simulator does not answer at {url}: {error}") from None
            time.sleep(0.05)


def _account(data_dir: Path) -> str:
    """The password of the demo account; made once, kept beside the database, mode 0600."""
    from ecsportal.ownkeys import own_text

    password = own_text(data_dir / "demo-password", secrets.token_urlsafe(9))
    if not User.objects.filter(username="demo").exists():
        User.objects.create_superuser("demo", password=password)
    return password
