"""Accounts, as Django's own pages edit them, with an entry in the audit history for each change."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now

from reinstall.admin.staff import staff_actor
from reinstall.services import accounts, sessions

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """People: who may sign in, who is staff, who sees everything."""

    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    actions = None

    def log_addition(self, request: HttpRequest, object: Any, message: Any) -> LogEntry:
        self._note(request, object, "added", "")
        return super().log_addition(request, object, message)

    def log_change(self, request: HttpRequest, object: Any, message: Any) -> LogEntry:
        said = LogEntry(change_message=message if isinstance(message, str) else _json(message))
        self._note(request, object, "changed", said.get_change_message())
        return super().log_change(request, object, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[User]) -> Any:
        for user in queryset:
            self._note(request, user, "deleted", "")
        return super().log_deletions(request, queryset)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        # Django changes a password outside a transaction; its entry belongs into the same one.
        with transaction.atomic():
            answer = super().user_change_password(request, id, form_url)
            if request.method == "POST" and answer.status_code == 302:
                sessions.end_all(user_id=int(id), keep=request.session.session_key or "")
            return answer

    @staticmethod
    def _note(request: HttpRequest, user: User, verb: str, note: str) -> None:
        accounts.note_account(actor=staff_actor(request), now=now(), user=user, verb=verb, note=note)


def _json(message: Any) -> str:
    return json.dumps(message)
