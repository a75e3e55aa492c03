"""`manage.py jobs doctor`: what the engine holds, leaves or waits for."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reinstall.models.clock import database_now
from reinstall.selectors.doctor import findings


class Command(BaseCommand):
    help = "doctor: says what is wrong with the engine or its jobs; fails (status 1) when something is."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("doctor", help="look at the engine and its jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = findings(database_now())
        for finding in found:
            numbers = ", ".join(f"#{number}" for number in finding.jobs)
            self.stdout.write(f"{'!' if finding.bad else '-'} {finding.sentence} {numbers}".rstrip())
        bad = sum(finding.bad for finding in found)
        if bad:
            raise CommandError(f"{bad} findings need a look.")
        self.stdout.write("The engine is well.")
