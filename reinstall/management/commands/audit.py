"""`manage.py audit verify|anchor`: proves the audit history, or writes down where it ends."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reinstall.domain.anchors import read_anchor
from reinstall.domain.integrity import Verdict
from reinstall.management.commands import command_actor
from reinstall.models.clock import database_now
from reinstall.services import anchoring, verification


class Command(BaseCommand):
    help = "verify: reads every entry; fails (status 1) naming the first that does not fit. anchor: one line."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        verify = commands.add_parser("verify", help="proves that nothing was changed, added or taken away")
        verify.add_argument(
            "--anchor",
            action="append",
            default=[],
            metavar="LINE",
            help="a line of the log with audit_anchor: the history must still be the one of then",
        )
        commands.add_parser("anchor", help="logs and prints where the history ends now")

    def handle(self, *args: Any, **options: Any) -> None:
        now = database_now()
        if options["command"] == "anchor":
            self.stdout.write(str(anchoring.drop_anchor(now=now)))
            return
        try:
            anchors = [read_anchor(line) for line in options["anchor"]]
        except ValueError as error:
            raise CommandError(str(error)) from None
        self._tell(verification.verify_for(actor=command_actor(), now=now, anchors=anchors))

    def _tell(self, verdict: Verdict) -> None:
        first, last = (f"{at:%Y-%m-%d %H:%M:%S}" if at else "-" for at in (verdict.first_at, verdict.last_at))
        if verdict.unbroken:
            self.stdout.write(
                f"{verdict.entries:,} entries, chain unbroken, first {first}, last {last}, "
                f"anchor {verdict.anchor.short} ({verdict.took_s:.1f} s)"
            )
            return
        for misfit in verdict.misfits[1:]:
            self.stderr.write(misfit.sentence)
        raise CommandError(
            f"{verdict.entries:,} entries, and the history is broken: {verdict.misfits[0].sentence}"
        )
