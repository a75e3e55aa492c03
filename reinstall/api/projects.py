"""REST: projects of clouds."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import Body, Text, read_body, read_no_body
from reinstall.api.documentation import BODY_PROBLEMS, describes, describes_list
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.problems import Stale
from reinstall.api.shapes import shaper
from reinstall.api.versions import answer_one, must_name
from reinstall.api.views import ApiView
from reinstall.domain.errors import Conflict
from reinstall.models import Environment, Project
from reinstall.selectors import projects
from reinstall.services import clouds, connection
from reinstall.services.projects import change_project, rotate_credentials
from reinstall.services.trial import Result


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
    credentials_set_at = serializers.DateTimeField(allow_null=True)
    credentials_set_by = serializers.CharField(source="credentials_set_by_name")
    version = serializers.IntegerField(help_text="Counts the changes people made.")
    synced_at = serializers.DateTimeField(allow_null=True)
    sync_error = serializers.CharField()
    created_at = serializers.DateTimeField()


class CheckStepShape(serializers.Serializer[Any]):
    """One step of a connection test."""

    name = serializers.CharField()
    title = serializers.CharField()
    result = serializers.ChoiceField(choices=[str(result) for result in Result])
    ok = serializers.BooleanField(help_text="Passed, perhaps with something to know.")
    sentence = serializers.CharField()
    duration_ms = serializers.IntegerField()


class CheckShape(serializers.Serializer[Any]):
    """A connection test. What a write needs is not tested: a reinstall is the only real test."""

    ok = serializers.BooleanField(help_text="No step failed.")
    steps = CheckStepShape(many=True)
    writes = serializers.CharField(help_text="What this says of write rights.")


class RotationShape(serializers.Serializer[Any]):
    """Credentials that became current, with the test that let them."""

    project = ProjectShape()
    steps = CheckStepShape(many=True)


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


class ProjectChangeBody(Body):
    """What can be changed; what is left out stays."""

    name = Text(required=False)
    environment = Text(required=False)


class RotationBody(Body):
    """Credentials that are to take the place of those stored."""

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
        location = f"{request.path}{project.slug}/"
        return answer_one(
            request, ProjectShape, project, version=_version(project), status=201, Location=location
        )


def _version(project: Project) -> str:
    """Names all that a project shows, for its ETag; two syncs apart it is another."""
    read = (project.synced_at, project.sync_error, project.credential_version)
    return f"project {project.slug} {project.version} {read}"


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
        project = projects.get_project(actor_of(request), slug)
        return answer_one(request, ProjectShape, project, version=_version(project))

    @describes(
        "change_project",
        "Change name or environment",
        ProjectShape,
        body=ProjectChangeBody,
        problems=(404, 412, 428),
        headers=("If-Match",),
    )
    def patch(self, request: Request, slug: str) -> Response:
        actor = actor_of(request)
        seen = projects.get_project(actor, slug)
        must_name(request, _version(seen))
        try:
            changed = change_project(
                actor=actor,
                now=timezone.now(),
                slug=slug,
                version=seen.version,
                changes=read_body(ProjectChangeBody, request),
            )
        except Conflict:
            raise Stale from None
        return answer_one(request, ProjectShape, changed, version=_version(changed))


class ProjectCredentials(ApiView):
    """The credentials of a project: written, never read."""

    @describes(
        "rotate_credentials",
        "Set new credentials, once a sign-in and the list of servers worked with them",
        RotationShape,
        body=RotationBody,
        problems=(404, 409, 422),
    )
    def post(self, request: Request, slug: str) -> Response:
        body = read_body(RotationBody, request)
        rotated = rotate_credentials(
            actor=actor_of(request), now=timezone.now(), slug=slug, credentials=dict(body["credentials"])
        )
        return Response(shaper(RotationShape)(rotated))


class ProjectCheck(ApiView):
    """Tests the connection to a project."""

    @describes(
        "check_project", "Test the connection, step by step", CheckShape, problems=(404, *BODY_PROBLEMS)
    )
    def post(self, request: Request, slug: str) -> Response:
        read_no_body(request)
        actor = actor_of(request)
        steps = tuple(connection.check_connection(actor=actor, now=timezone.now(), slug=slug))
        return Response(shaper(CheckShape)(connection.Checked(steps)))
