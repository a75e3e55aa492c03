"""`manage.py sync [PROJECT]`: reads the inventory from the cloud now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from reinstall.management.commands import command_actor
from reinstall.models import Project
from reinstall.services import inventory


class Command(BaseCommand):
    help = "Reads servers, disks, images and keys of one project, or of all, from the cloud."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", nargs="?", help="slug; default: every project")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {"slug": options["project"]} if options["project"] else {}
        projects = list(Project.objects.filter(**wanted))
        if options["project"] and not projects:
            raise CommandError(f"There is no project {options['project']}.")
        reports = [(p, inventory.sync_project(actor=command_actor(), now=now(), project=p)) for p in projects]
        for project, report in reports:
            self.stdout.write(
                f"{project.slug}: {report.servers} servers ({report.added} new, {report.changed} changed, "
                f"{report.gone} gone), {report.images} images, {report.key_pairs} key pairs, "
                f"{report.kms_keys} KMS keys"
            )
        problems = [f"{p.slug}: {problem}" for p, report in reports for problem in report.problems]
        if problems:
            raise CommandError("\n".join(problems))
