"""The audit history, for staff."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from reinstall.admin.readonly import ReadOnlyAdmin
from reinstall.models import AuditEvent


class _Typed(admin.SimpleListFilter):
    """A filter that is typed, not chosen: history has no end of names and days."""

    template = "admin/typed_filter.html"
    kind = "text"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(self.value() or "", "")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        name = str(self.parameter_name)
        others = [(key, value) for key, value in changelist.params.items() if key not in (name, "p")]
        kept = [(key, value[0] if isinstance(value, list) else value) for key, value in others]
        yield {"name": name, "kind": self.kind, "value": self.value() or "", "kept": kept}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").replace("\0", "").strip()
        return self.narrowed(queryset, value) if value else queryset

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(**{str(self.parameter_name): value})


class WhoFilter(_Typed):
    title, parameter_name = "who", "actor_name"


class WhatFilter(_Typed):
    title, parameter_name = "what was done", "action"


class ObjectFilter(_Typed):
    """`job`, or `job 2210`."""

    title, parameter_name = "object, as kind and id", "object"

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        kind, _, key = value.partition(" ")
        found = rows.filter(object_type=kind)
        return found.filter(object_id=key.strip()) if key else found


class _DayFilter(_Typed):
    kind = "date"

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        try:
            midnight = datetime.combine(date.fromisoformat(value), time.min, UTC)
            return self.by_day(rows, midnight)
        except (ValueError, OverflowError):
            return rows.none()

    def by_day(self, rows: QuerySet[Any], midnight: datetime) -> QuerySet[Any]:
        return rows.filter(at__gte=midnight)


class FromFilter(_DayFilter):
    title, parameter_name = "from (UTC)", "from"


class ToFilter(_DayFilter):
    title, parameter_name = "to, that day included (UTC)", "to"

    def by_day(self, rows: QuerySet[Any], midnight: datetime) -> QuerySet[Any]:
        return rows.filter(at__lt=midnight + timedelta(days=1))


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin[AuditEvent]):
    """Who did what to which object, when, from where, through which door."""

    list_display = ("when", "actor_name", "source", "action", "object_label", "project_slug", "address")
    list_filter = (
        WhoFilter,
        WhatFilter,
        ObjectFilter,
        FromFilter,
        ToFilter,
        "project_slug",
        "source",
    )
    search_fields = ("actor_name", "action", "object_label", "object_id", "note", "request_id", "address")
    date_hierarchy = "at"
    ordering = ("-id",)
    fieldsets = (
        (
            "Act",
            {"fields": ("at", "action", "object_type", "object_id", "object_label", "project_slug", "note")},
        ),
        ("Who", {"fields": ("actor_name", "actor_id", "source", "token_name", "address", "request_id")}),
        ("What changed", {"fields": ("before_text", "after_text")}),
        ("Place in the chain", {"fields": ("stream", "position", "key_id", "mac")}),
    )

    @admin.display(description="when (UTC)", ordering="id")
    def when(self, event: AuditEvent) -> str:
        return event.at.strftime("%Y-%m-%d %H:%M:%S")

    @admin.display(description="before")
    def before_text(self, event: AuditEvent) -> str:
        return json.dumps(event.before, indent=2, ensure_ascii=False)

    @admin.display(description="after")
    def after_text(self, event: AuditEvent) -> str:
        return json.dumps(event.after, indent=2, ensure_ascii=False)
