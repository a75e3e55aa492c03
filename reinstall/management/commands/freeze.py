"""`manage.py freeze on|off --reason TEXT`: stops, or lets go on, everything that sends."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reinstall.domain.errors import RuleBroken
from reinstall.management.commands import command_actor
from reinstall.models.clock import database_now
from reinstall.services import guards


class Command(BaseCommand):
    help = "on: no reinstall is sent from now on, jobs wait. off: they go on. Running ones are followed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("on", "off"))
        parser.add_argument("--reason", required=True, help="shown on every page, kept in the audit")

    def handle(self, *args: Any, **options: Any) -> None:
        change = guards.freeze if options["what"] == "on" else guards.lift_freeze
        try:
            change(actor=command_actor(), now=database_now(), reason=options["reason"])
        except RuleBroken as broken:
            raise CommandError(str(broken)) from None
        self.stdout.write("frozen" if options["what"] == "on" else "not frozen")
