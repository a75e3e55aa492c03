"""What a query string, or the form of an export, narrows the audit log to."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from reinstall.domain.errors import RuleBroken
from reinstall.selectors.audit import AuditFilters

SOURCES = (("browser", "Browser"), ("token", "API token"), ("command", "Command"), ("system", "Engine"))
EXACT = ("actor", "action", "object_type", "object_id", "source")
NAMES = ("q", *EXACT, "project", "since", "until")


@dataclass(frozen=True, slots=True)
class Asked:
    """The filter as the database reads it, and as it was said: by name, only what narrows."""

    filters: AuditFilters
    said: dict[str, str]

    @property
    def narrowed(self) -> bool:
        """Whether anything but the project does."""
        return bool(self.said.keys() - {"project"})


def asked_of(query: QueryDict, chosen: str) -> Asked:
    """`chosen`: the project of the page, where the query names none ("" names all). Raises RuleBroken."""
    said = {name: query.get(name, "").replace("\0", "").strip() for name in NAMES}
    if "project" not in query:
        said["project"] = chosen
    filters = AuditFilters(
        **{name: said[name] for name in (*EXACT, "q", "project")},
        since=_start_of(said["since"], "since"),
        until=_start_of(said["until"], "until", days=1),
    )
    return Asked(filters, {name: value for name, value in said.items() if value})


def _start_of(text: str, field: str, days: int = 0) -> datetime | None:
    """Midnight of a day in the shown zone, `days` later. Raises RuleBroken for what is no date."""
    if not text:
        return None
    try:
        day = parse_date(text)
        if day is None:
            raise ValueError
        midnight = datetime.combine(day + timedelta(days=days), time.min, timezone.get_current_timezone())
        return midnight.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RuleBroken(f"{field} is a date like 2026-10-14.", field, "format") from None
