"""`manage.py after_restore --reason TEXT`: a restored or taken-over database counts again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reinstall.domain.errors import RuleBroken
from reinstall.management.commands import command_actor
from reinstall.models.clock import database_now
from reinstall.services.restore import after_restore


class Command(BaseCommand):
    help = "Moves every job that is not at its end to uncertain or attention, then lets the engine go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="what was restored, from when; kept in the audit")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = after_restore(actor=command_actor(), clock=database_now, reason=options["reason"])
        except RuleBroken as broken:
            raise CommandError(str(broken)) from None
        for state, count in sorted(done.moved.items()):
            self.stdout.write(f"{count} {state}")
        self.stdout.write("A new epoch has begun. Look at the jobs that wait for a person.")
