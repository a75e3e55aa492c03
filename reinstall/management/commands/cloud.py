"""`manage.py cloud add FILE`, `cloud test SLUG`, `cloud rotate SLUG FILE`: projects of clouds."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from reinstall.domain.errors import Conflict, NotFound, RuleBroken
from reinstall.management.commands import command_actor, refusal
from reinstall.services import clouds, connection
from reinstall.services.projects import rotate_credentials
from reinstall.services.trial import Result


class Command(BaseCommand):
    help = "Adds a cloud and a project from a JSON file, tests one, or gives it new credentials."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        add = commands.add_parser("add", help="add a project; prints its slug")
        add.add_argument("file", help="JSON; - for standard input")
        test = commands.add_parser("test", help="test the connection step by step")
        test.add_argument("slug")
        rotate = commands.add_parser("rotate", help="set new credentials, once they work")
        rotate.add_argument("slug")
        rotate.add_argument("file", help='JSON: {"credentials": {"kind": …}}; - for standard input')

    def handle(self, *args: Any, **options: Any) -> None:
        act = {"add": self._add, "test": self._test, "rotate": self._rotate}[options["command"]]
        try:
            act(options)
        except (RuleBroken, NotFound) as refused:
            raise refusal(refused) from None
        except Conflict as conflict:
            raise CommandError(str(conflict)) from None

    def _add(self, options: dict[str, Any]) -> None:
        document = _read(options["file"])
        project = clouds.add_project(actor=command_actor(), now=now(), document=document)
        self.stdout.write(project.slug)

    def _test(self, options: dict[str, Any]) -> None:
        failed = False
        for step in connection.check_connection(actor=command_actor(), now=now(), slug=options["slug"]):
            failed = failed or step.result is Result.FAILED
            word = str(step.result).replace("_", " ")
            self.stdout.write(f"{step.title}: {word} ({step.duration_ms} ms). {step.sentence}")
        self.stdout.write(connection.WRITES)
        if failed:
            raise CommandError("The connection does not work as a whole.")

    def _rotate(self, options: dict[str, Any]) -> None:
        document = _read(options["file"])
        unknown = sorted(set(document) - {"credentials"})
        if unknown:
            raise CommandError(f"{unknown[0]}: There is no field {unknown[0]} here. Known: credentials.")
        rotated = rotate_credentials(
            actor=command_actor(),
            now=now(),
            slug=options["slug"],
            credentials=document.get("credentials", {}),
        )
        self.stdout.write(f"version {rotated.project.credential_version}")


def _read(name: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{name} is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise CommandError(f"{name} is not a JSON object.")
    return document
