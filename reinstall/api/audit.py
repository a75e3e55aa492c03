"""REST: the audit history."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.documentation import describes, describes_list
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.versions import answer_one
from reinstall.api.views import ApiView
from reinstall.domain.actors import Source
from reinstall.selectors import audit


class AuditShape(serializers.Serializer[Any]):
    """One act: who did what to which thing, from where. before and after hold what changed."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(source="actor_name")
    source = serializers.ChoiceField(choices=[door.value for door in Source])  # type: ignore[assignment]
    token = serializers.CharField(source="token_name")
    address = serializers.CharField()
    request_id = serializers.CharField()
    action = serializers.CharField()
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    object_label = serializers.CharField()
    project = serializers.CharField(source="project_slug")
    before = serializers.DictField()
    after = serializers.DictField()
    note = serializers.CharField()


AUDIT = ListKind(
    "audit",
    AuditShape,
    (
        Filter("actor", "Name of the person, or engine."),
        Filter("action", "Like order.placed or job.running."),
        Filter("object_type", "Like job, order, project, token."),
        Filter("object_id", "Id of the thing."),
        Filter("project", "Slug of a project."),
        Filter("source", "Door it came through.", choices=tuple(source.value for source in Source)),
        Filter("since", "From this time on.", "moment"),
        Filter("until", "Before this time.", "moment"),
    ),
    tuple(audit.ORDERINGS),
    "thing, note, action, request id",
)


class AuditList(ApiView):
    """Audit entries, newest first."""

    @describes_list(AUDIT, "list_audit", "Audit history")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            AUDIT,
            lambda query, cursor, limit: audit.audit_page(
                actor, audit.AuditFilters(**query.values), cursor=cursor, limit=limit
            ),
        )


class AuditDetail(ApiView):
    """One entry."""

    @describes(
        "get_audit_entry",
        "One audit entry",
        AuditShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, entry_id: int) -> Response:
        return answer_one(request, AuditShape, audit.get_entry(actor_of(request), entry_id))
