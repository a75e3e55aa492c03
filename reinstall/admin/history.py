"""The audit history, for staff."""

import json

from django.contrib import admin

from reinstall.admin.readonly import ReadOnlyAdmin
from reinstall.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin[AuditEvent]):
    """Who did what to which object, when, from where, through which door."""

    list_display = ("when", "actor_name", "source", "action", "object_label", "project_slug", "address")
    list_filter = ("source", "action", "object_type", "project_slug")
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
