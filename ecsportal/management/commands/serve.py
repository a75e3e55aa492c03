"""`manage.py serve`: the portal in one process, without the simulator."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Runs web, worker and beat in one process, on whatever the environment names."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        from ecsportal.embedded import run_portal, why_not_listen

        if why := why_not_listen(options["host"], options["port"]):
            raise CommandError(why)
        prepare_database()
        address = f"http://{options['host']}:{options['port']}/"

        def ready() -> None:
            self.stdout.write(f"ecsportal on {address} (Ctrl-C stops it)")
            self.stdout.flush()

        run_portal(host=options["host"], port=options["port"], ready=ready)


def prepare_database() -> None:
    """SQLite is migrated here; a database that others share is only looked at."""
    if settings.ON_SQLITE:
        call_command("migrate", verbosity=0, interactive=False)
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database has migrations to run first: python manage.py migrate")
