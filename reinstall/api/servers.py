"""REST: servers."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import Body, Text, read_body
from reinstall.api.documentation import describes, describes_list
from reinstall.api.job_shapes import JobRowShape
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.versions import answer_one
from reinstall.api.views import ApiView
from reinstall.domain.server_search import LAST
from reinstall.selectors import servers
from reinstall.selectors.server_rows import STATES
from reinstall.services.protection import protect_server, unprotect_server


class JobBriefShape(serializers.Serializer[Any]):
    """A job, in short."""

    id = serializers.IntegerField()
    state = serializers.CharField()
    state_since = serializers.DateTimeField(source="when")


class ServerRowShape(serializers.Serializer[Any]):
    """A server as lists show it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    project = serializers.CharField(source="project_slug")
    environment = serializers.CharField(source="project_environment")
    state = serializers.ChoiceField(choices=STATES)
    status = serializers.CharField(help_text="As the cloud says it.")
    image = serializers.CharField(source="image_name")
    flavor = serializers.CharField()
    system_gb = serializers.IntegerField(allow_null=True)
    data_disks = serializers.IntegerField()
    address = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    seen_at = serializers.DateTimeField()
    synced_at = serializers.DateTimeField(allow_null=True)
    last_job = JobBriefShape(allow_null=True)
    active_job = JobBriefShape(allow_null=True)
    why_not = serializers.CharField(help_text='Why it cannot be reinstalled now; "" when it can.')
    image_state = serializers.CharField(
        help_text='"" while the image it was made from is there, else withdrawn, gone or inactive.'
    )


class DiskShape(serializers.Serializer[Any]):
    """A disk, and what a reinstall does to it."""

    volume_id = serializers.CharField()
    device = serializers.CharField()
    size_gb = serializers.IntegerField(allow_null=True)
    role = serializers.ChoiceField(choices=("system", "data"))
    fate = serializers.ChoiceField(choices=("wiped", "kept"))
    name = serializers.CharField()
    volume_type = serializers.CharField()
    encrypted = serializers.BooleanField()
    cmkid = serializers.CharField()
    shareable = serializers.BooleanField()
    snapshots = serializers.IntegerField(allow_null=True, help_text="null where the cloud did not tell.")


class ServerShape(serializers.Serializer[Any]):
    """A server with everything the portal knows of it."""

    id = serializers.UUIDField(source="row.id")
    name = serializers.CharField(source="row.name")
    project = serializers.CharField(source="row.project_slug")
    environment = serializers.CharField(source="row.project_environment")
    state = serializers.ChoiceField(choices=STATES, source="row.state")
    status = serializers.CharField(source="row.status")
    task_state = serializers.CharField()
    image = serializers.CharField(source="row.image_name")
    image_id = serializers.CharField()
    os_type = serializers.CharField()
    flavor = serializers.CharField(source="row.flavor")
    vcpus = serializers.IntegerField(allow_null=True)
    ram_mb = serializers.IntegerField(allow_null=True)
    zone = serializers.CharField()
    addresses = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField(), source="row.tags")
    keyname = serializers.CharField()
    userid = serializers.CharField()
    locked = serializers.BooleanField()
    created_at = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField(source="row.seen_at")
    gone_at = serializers.DateTimeField(allow_null=True)
    disks = DiskShape(many=True)
    history = JobRowShape(many=True)
    protected_reason = serializers.CharField(help_text='Why a person protected it; "" where nobody did.')
    protected_by = serializers.CharField()
    protected_at = serializers.DateTimeField(allow_null=True)
    tag_protected = serializers.BooleanField(help_text="The cloud's tag ecsportal:protected is on it.")
    active_job = JobBriefShape(allow_null=True, source="row.active_job")
    why_not = serializers.CharField(source="row.why_not")
    image_state = serializers.CharField(source="row.image_state")


class ProtectionBody(Body):
    """Why a server is protected, or not any more."""

    reason = Text()


SERVERS = ListKind(
    "servers",
    ServerRowShape,
    (
        Filter("project", "Slug of a project."),
        Filter(
            "status", "State of the server; without it, servers that are gone are left out.", choices=STATES
        ),
        Filter("tag", "key=value, or a key."),
        Filter("image", "Name or id of the image."),
        Filter("last", "The last reinstall from here: how it ended, or how long ago.", choices=tuple(LAST)),
        Filter("protected", "Whether nobody may reinstall it.", choices=("yes", "no")),
    ),
    tuple(servers.ORDERINGS),
    "name, id, addresses, tags",
)


class ServerList(ApiView):
    """Servers as last read from the cloud."""

    @describes_list(SERVERS, "list_servers", "Servers")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            SERVERS,
            lambda query, cursor, limit: servers.server_page(
                actor, servers.ServerFilters(**query.values), cursor=cursor, limit=limit
            ),
        )


class ServerDetail(ApiView):
    """One server."""

    @describes(
        "get_server",
        "One server with its disks and history",
        ServerShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, server_id: uuid.UUID) -> Response:
        return answer_one(request, ServerShape, servers.get_server(actor_of(request), server_id))


class ServerProtect(ApiView):
    """Protects a server: nobody can reinstall it until the protection is lifted."""

    @describes(
        "protect_server",
        "Protect a server from reinstalls",
        ServerShape,
        body=ProtectionBody,
        problems=(404, 409),
    )
    def post(self, request: Request, server_id: uuid.UUID) -> Response:
        actor, said = actor_of(request), read_body(ProtectionBody, request)
        protect_server(actor=actor, now=timezone.now(), server_id=server_id, reason=said["reason"])
        return answer_one(request, ServerShape, servers.get_server(actor, server_id))


class ServerUnprotect(ApiView):
    """Lifts the protection a person set; the tag of the cloud stays."""

    @describes(
        "unprotect_server",
        "Lift the protection of a server",
        ServerShape,
        body=ProtectionBody,
        problems=(404, 409),
    )
    def post(self, request: Request, server_id: uuid.UUID) -> Response:
        actor, said = actor_of(request), read_body(ProtectionBody, request)
        unprotect_server(actor=actor, now=timezone.now(), server_id=server_id, reason=said["reason"])
        return answer_one(request, ServerShape, servers.get_server(actor, server_id))
