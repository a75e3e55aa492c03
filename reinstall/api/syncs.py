"""REST: reading the inventory of a project, and how far a reading is."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import read_no_body
from reinstall.api.documentation import BODY_PROBLEMS, describes
from reinstall.api.shapes import shaper
from reinstall.api.sync_examples import SYNC_RUN
from reinstall.api.versions import answer_one
from reinstall.api.views import ApiView
from reinstall.selectors import projects, syncs
from reinstall.services import inventory, syncruns


class SyncShape(serializers.Serializer[Any]):
    """What a sync found; `problems` are sentences on what could not be read."""

    servers = serializers.IntegerField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    gone = serializers.IntegerField()
    key_pairs = serializers.IntegerField()
    kms_keys = serializers.IntegerField()
    images = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.CharField())


class DifferenceShape(serializers.Serializer[Any]):
    """A server that is other than at the reading before."""

    id = serializers.CharField()
    name = serializers.CharField()
    fields_changed = serializers.ListField(child=serializers.CharField(), source="fields")


class SyncRunShape(SyncShape):
    """A reading of the inventory, while it goes on or after its end."""

    id = serializers.IntegerField()
    project = serializers.CharField(source="project_slug")
    state = serializers.ChoiceField(choices=("waiting", "reading", "complete", "incomplete"))
    requested_by = serializers.CharField()
    requested_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    phase = serializers.CharField(help_text="What is being read now; empty before and after.")
    read = serializers.IntegerField(help_text="So many of the phase were read.")
    announced = serializers.IntegerField(allow_null=True, help_text="So many the cloud says there are.")
    added_servers = DifferenceShape(many=True, help_text="The first 50.")
    changed_servers = DifferenceShape(many=True, help_text="The first 50.")
    gone_servers = DifferenceShape(many=True, help_text="The first 50.")


_LATER = {
    202: OpenApiResponse(
        SyncRunShape,
        description="It is read in the background: asked for so, or somebody else is reading.",
        examples=[OpenApiExample("in the background", SYNC_RUN, status_codes=["202"])],
    )
}


class ProjectSync(ApiView):
    """Reads the inventory of a project now, and says how the last reading stands."""

    @describes(
        "sync_project",
        "Read servers, disks, images and keys from the cloud now",
        SyncShape,
        problems=(404, *BODY_PROBLEMS),
        headers=("Prefer",),
        also=_LATER,
    )
    def post(self, request: Request, slug: str) -> Response:
        read_no_body(request)
        actor, now = actor_of(request), timezone.now()
        project = projects.get_project(actor, slug)
        if "respond-async" not in request.headers.get("Prefer", "").lower():
            report = inventory.join_run(actor=actor, now=now, project=project)
            if report is not None:
                return Response(shaper(SyncShape)(report))
        run = syncruns.request_sync(actor=actor, now=now, project=project)
        place = reverse("api:project-sync-run", args=(slug, run.pk))
        body = shaper(SyncRunShape)(syncs.get_sync(actor, slug, run.pk))
        return Response(body, status=202, headers={"Location": place})

    @describes(
        "get_last_sync",
        "The last reading of a project",
        SyncRunShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, slug: str) -> Response:
        return answer_one(request, SyncRunShape, syncs.get_sync(actor_of(request), slug))


class ProjectSyncRun(ApiView):
    """One reading of a project."""

    @describes(
        "get_sync", "One reading of a project", SyncRunShape, problems=(404,), headers=("If-None-Match",)
    )
    def get(self, request: Request, slug: str, run_id: int) -> Response:
        return answer_one(request, SyncRunShape, syncs.get_sync(actor_of(request), slug, run_id))
