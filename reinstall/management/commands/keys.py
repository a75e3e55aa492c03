"""`manage.py keys rotate`: puts stored secrets under the first of ECSPORTAL_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reinstall.domain.errors import NotRecorded
from reinstall.management.commands import command_actor
from reinstall.models.clock import database_now
from reinstall.services.keys import rotate_keys


class Command(BaseCommand):
    help = "rotate: wraps every stored secret with the first key; fails (status 1) when one does not open."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("rotate", help="may be broken off, and run again")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = rotate_keys(actor=command_actor(), now=database_now())
        except NotRecorded as error:
            raise CommandError(f"{error} Nothing was wrapped anew.") from None
        for sentence in done.shut:
            self.stderr.write(sentence)
        self.stdout.write(
            f"key {done.key}: {done.rewrapped} secrets wrapped anew, {done.already} were already"
        )
        if done.shut:
            raise CommandError(
                f"{len(done.shut)} secrets do not open with any key that is here; keep the old key."
            )
