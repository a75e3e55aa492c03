"""REST: projects of clouds."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import Body, Text, read_body
from reinstall.api.documentation import describes, describes_list
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.shapes import shaper
from reinstall.api.versions import answer_one
from reinstall.api.views import ApiView
from reinstall.models import Environment
from reinstall.selectors import projects
from reinstall.services import clouds, inventory


class ProjectShape(serializers.Serializer[Any]):
    """A project. Its credentials are never shown, only of which kind they are."""

    slug = serializers.CharField()
    name = serializers.CharField()
    environment = serializers.ChoiceField(choices=Environment.values)
    profile = serializers.CharField(source="cloud.profile")
    region = serializers.CharField(source="cloud.region")
    project_id = serializers.CharField()
    endpoints = serializers.DictField(child=serializers.CharField(), source="cloud.endpoints")
    credential_kind = serializers.ChoiceField(choices=("aksk", "password"))
    synced_at = serializers.DateTimeField(allow_null=True)
    sync_error = serializers.CharField()
    created_at = serializers.DateTimeField()


class CheckStepShape(serializers.Serializer[Any]):
    """One step of a connection test."""

    name = serializers.CharField()
    ok = serializers.BooleanField()
    sentence = serializers.CharField()
    duration_ms = serializers.IntegerField()


class CheckShape(serializers.Serializer[Any]):
    """A connection test. What a write needs is not tested: a reinstall is the only real test."""

    steps = CheckStepShape(many=True)


class SyncShape(serializers.Serializer[Any]):
    """What a sync found; `problems` are sentences on what could not be read."""

    servers = serializers.IntegerField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    gone = serializers.IntegerField()
    key_pairs = serializers.IntegerField()
    kms_keys = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.CharField())


class _Addresses(serializers.DictField):
    child = Text()
    default_error_messages = {"not_a_dict": "is an object of service name to URL"}


class CredentialsBody(Body):
    """Of kind aksk: access_key, secret_key. Of kind password: user, password, domain."""

    kind = Text()
    access_key = Text(required=False)
    secret_key = Text(required=False)
    security_token = Text(required=False)
    user = Text(required=False)
    password = Text(required=False)
    domain = Text(required=False)


class ProjectBody(Body):
    """A cloud's project with its credentials."""

    name = Text()
    environment = Text()
    profile = Text()
    region = Text()
    project_id = Text()
    endpoints = _Addresses(required=False)
    credentials = CredentialsBody()


PROJECTS = ListKind(
    "projects",
    ProjectShape,
    (Filter("environment", "What is at stake there.", choices=tuple(Environment.values)),),
    (),
    "name, slug",
)


class ProjectList(ApiView):
    """Projects of clouds."""

    @describes_list(PROJECTS, "list_projects", "Projects")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            PROJECTS,
            lambda query, cursor, limit: projects.project_page(
                actor, **query.values, cursor=cursor, limit=limit
            ),
        )

    @describes("add_project", "Add a project with its credentials", ProjectShape, good=201, body=ProjectBody)
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        document = read_body(ProjectBody, request)
        project = clouds.add_project(actor=actor, now=timezone.now(), document=document)
        return answer_one(
            request, ProjectShape, project, status=201, Location=f"{request.path}{project.slug}/"
        )


class ProjectDetail(ApiView):
    """One project."""

    @describes(
        "get_project",
        "One project",
        ProjectShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, slug: str) -> Response:
        return answer_one(request, ProjectShape, projects.get_project(actor_of(request), slug))


class ProjectCheck(ApiView):
    """Tests the connection to a project."""

    @describes("check_project", "Test the connection, step by step", CheckShape, problems=(404,))
    def post(self, request: Request, slug: str) -> Response:
        steps = clouds.check_connection(actor=actor_of(request), now=timezone.now(), slug=slug)
        shaped = shaper(CheckStepShape)
        return Response({"steps": [shaped(step) for step in steps]})


class ProjectSync(ApiView):
    """Reads the inventory of a project now."""

    @describes("sync_project", "Read servers, disks and keys from the cloud now", SyncShape, problems=(404,))
    def post(self, request: Request, slug: str) -> Response:
        actor = actor_of(request)
        project = projects.get_project(actor, slug)
        report = inventory.sync_project(actor=actor, now=timezone.now(), project=project)
        return Response(shaper(SyncShape)(report))
