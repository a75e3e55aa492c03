"""`manage.py breaker close CLOUD --reason TEXT`: lets a cloud's jobs go on after its breaker opened."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.management.commands import command_actor
from reinstall.models.clock import database_now
from reinstall.services import guards


class Command(BaseCommand):
    help = "Closes the breaker of a cloud (its number stands in `jobs doctor` and on the banner)."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        close = commands.add_parser("close", help="let the cloud's jobs go on")
        close.add_argument("cloud", type=int)
        close.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            guards.close_breaker(
                actor=command_actor(), now=database_now(), cloud_id=options["cloud"], reason=options["reason"]
            )
        except (NotFound, RuleBroken) as error:
            raise CommandError(str(error)) from None
        self.stdout.write("closed")
