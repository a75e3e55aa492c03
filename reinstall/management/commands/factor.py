"""`manage.py factor reset`: for somebody who has lost their second factor and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reinstall.domain.errors import NotFound
from reinstall.management.commands import command_actor, refusal
from reinstall.models.clock import database_now
from reinstall.services.factors import reset_factors


class Command(BaseCommand):
    help = "reset USER: takes a person's second factors away and signs them out; kept in the audit history."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        reset = commands.add_parser("reset", help="be sure who asked for it")
        reset.add_argument("user", help="the account's user name")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["user"]
        try:
            count = reset_factors(actor=command_actor(), now=database_now(), username=name)
        except NotFound as error:
            raise refusal(error) from None
        self.stdout.write(f"{count} factors of {name} removed; {name} is signed out everywhere")
