"""`manage.py cloud add FILE`: a cloud and a project with credentials, from JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from reinstall.domain.errors import RuleBroken
from reinstall.management.commands import command_actor, refusal
from reinstall.services import clouds


class Command(BaseCommand):
    help = "Adds a cloud and a project from a JSON file (- for standard input); prints the project's slug."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        add = commands.add_parser("add", help="add a project")
        add.add_argument("file")

    def handle(self, *args: Any, **options: Any) -> None:
        document = _read(options["file"])
        try:
            project = clouds.add_project(actor=command_actor(), now=now(), document=document)
        except RuleBroken as broken:
            raise refusal(broken) from None
        self.stdout.write(project.slug)


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
