"""`manage.py token create USER --name N`: a new API token, printed once."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.management.commands import command_actor, refusal
from reinstall.services import tokens


class Command(BaseCommand):
    help = "Makes an API token for a person and prints it once, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        create = commands.add_parser("create", help="make a token")
        create.add_argument("user")
        create.add_argument("--name", required=True)
        create.add_argument(
            "--scope", action="append", choices=tokens.SCOPES, help="default: read and request"
        )
        create.add_argument(
            "--project", action="append", default=[], help="slug; default: all of the person's"
        )
        create.add_argument(
            "--network", action="append", default=[], help="like 10.1.0.0/16; default: from everywhere"
        )
        create.add_argument("--days", type=int, default=90)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        try:
            asked = tokens.TokenRequest(
                name=options["name"],
                scopes=options["scope"] or tokens.SCOPES,
                projects=options["project"],
                days=options["days"],
                networks=options["network"],
            )
            made = tokens.create_token(actor=command_actor(), now=now(), user=user, request=asked)
        except (RuleBroken, NotFound, NotAllowed) as error:
            raise refusal(error) from None
        self.stderr.write("Copy it now. It cannot be shown again.")
        self.stdout.write(made.secret)
