"""The entries of exactly one filter as a file. That they went out is itself an entry."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from reinstall.domain.csvcells import cell
from reinstall.domain.errors import RuleBroken
from reinstall.models import AuditEvent
from reinstall.selectors.audit import all_entries
from reinstall.services.exports import note_export
from reinstall.web.actors import actor_of
from reinstall.web.audit_filters import asked_of
from reinstall.web.errors import translated

#: Name in the file -> column; the names are those of REST, then the place in the chain.
COLUMNS = {
    "id": "id",
    "at": "at",
    "actor": "actor_name",
    "source": "source",
    "token": "token_name",
    "address": "address",
    "request_id": "request_id",
    "action": "action",
    "object_type": "object_type",
    "object_id": "object_id",
    "object_label": "object_label",
    "project": "project_slug",
    "before": "before",
    "after": "after",
    "note": "note",
    "stream": "stream",
    "position": "position",
    "mac": "mac",
}


@require_POST
@translated
def audit_export(request: HttpRequest) -> HttpResponse:
    """A POST, because it writes: who took what, when, in the audit log."""
    actor, asked = actor_of(request), asked_of(request.POST, "")
    form = request.POST.get("format", "")
    if form not in FORMS:
        raise RuleBroken(f"format is one of {', '.join(FORMS)}.", "format", "choice")
    entries = all_entries(actor, asked.filters)
    note_export(actor=actor, now=timezone.now(), narrowed=asked.said, form=form, entries=len(entries))
    content_type, written = FORMS[form]
    answer = HttpResponse(written(entries), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer


def _as_csv(entries: list[AuditEvent]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([cell(getattr(entry, column)) for column in COLUMNS.values()] for entry in entries)
    return text.getvalue()


def _as_json(entries: list[AuditEvent]) -> str:
    return json.dumps(
        [{name: _plain(getattr(entry, column)) for name, column in COLUMNS.items()} for entry in entries],
        ensure_ascii=False,
        indent=1,
    )


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value


FORMS: dict[str, tuple[str, Callable[[list[AuditEvent]], str]]] = {
    "csv": ("text/csv; charset=utf-8", _as_csv),
    "json": ("application/json", _as_json),
}
