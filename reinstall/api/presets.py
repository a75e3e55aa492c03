"""REST: presets and their versions. A script is written here and never read."""

from collections.abc import Callable
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
from reinstall.api.spec_bodies import SettingsBody, SettingsShape, settings_in
from reinstall.api.versions import answer_one, must_match, must_name
from reinstall.api.views import ApiView
from reinstall.domain.errors import Conflict
from reinstall.models import Preset
from reinstall.selectors import presets
from reinstall.services import presets as services


class PresetVersionShape(serializers.Serializer[Any]):
    """One version of a preset. It is never changed."""

    number = serializers.IntegerField()
    spec = SettingsShape(source="*", help_text="An empty keyname is chosen anew at each reinstall.")
    note = serializers.CharField()
    changed = serializers.ListField(
        child=serializers.CharField(), help_text="What is different from the version before, in words."
    )
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class PresetRowShape(serializers.Serializer[Any]):
    """A preset with its newest version. used: how many orders took their settings from it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    project = serializers.CharField(source="project_slug")
    environment = serializers.CharField()
    latest = PresetVersionShape()
    used = serializers.IntegerField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    retired_at = serializers.DateTimeField(allow_null=True)
    retired_by = serializers.CharField()


class PresetShape(PresetRowShape):
    """A preset with all its versions, newest first."""

    versions = PresetVersionShape(many=True)


class PresetVersionBody(Body):
    """The next version of a preset."""

    spec = SettingsBody()
    note = Text(default="", help_text="What is new, and why.")


class PresetBody(PresetVersionBody):
    """A new preset."""

    project = Text(help_text="Slug of the project.")
    name = Text()


PRESETS = ListKind(
    "presets",
    PresetRowShape,
    (
        Filter("project", "Slug of a project."),
        Filter("state", "Those that can be chosen (kept), or those retired.", choices=presets.STATES),
    ),
    (),
    "name",
)


class PresetList(ApiView):
    """Presets, by name."""

    @describes_list(PRESETS, "list_presets", "Presets")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            PRESETS,
            lambda query, cursor, limit: presets.preset_page(
                actor, **query.values, cursor=cursor, limit=limit
            ),
        )

    @describes("add_preset", "Add a preset", PresetShape, good=201, body=PresetBody, problems=(404,))
    def post(self, request: Request) -> Response:
        actor, body = actor_of(request), read_body(PresetBody, request)
        made = services.create_preset(
            actor=actor,
            now=timezone.now(),
            project=body["project"],
            name=body["name"],
            settings=settings_in(body["spec"]),
            note=body["note"],
        )
        slug = made.preset.slug
        return _shown(request, slug, status=201, Location=f"{request.path}{slug}/")


class PresetDetail(ApiView):
    """One preset."""

    @describes(
        "get_preset",
        "One preset with its versions",
        PresetShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, slug: str) -> Response:
        return _shown(request, slug)

    @describes(
        "delete_preset",
        "Delete a preset no order ever used",
        None,
        good=204,
        problems=(404, 409, 412),
        headers=("If-Match",),
    )
    def delete(self, request: Request, slug: str) -> Response:
        actor = actor_of(request)
        must_match(request, _version(presets.get_preset(actor, slug)))
        services.delete_preset(actor=actor, now=timezone.now(), slug=slug)
        return Response(status=204)


class PresetVersions(ApiView):
    """The versions of a preset."""

    @describes(
        "add_preset_version",
        "Change a preset: its next version",
        PresetShape,
        good=201,
        body=PresetVersionBody,
        problems=(404, 409, 412, 428),
        headers=("If-Match",),
    )
    def post(self, request: Request, slug: str) -> Response:
        actor = actor_of(request)
        seen = presets.get_preset(actor, slug)
        must_name(request, _version(seen))
        body = read_body(PresetVersionBody, request)
        try:
            made = services.add_version(
                actor=actor,
                now=timezone.now(),
                slug=slug,
                base=seen.latest.number,
                settings=settings_in(body["spec"]),
                note=body["note"],
            )
        except Conflict as conflict:
            if conflict.code != services.STALE:
                raise
            raise Stale from None
        return _shown(request, slug, status=201, Location=f"{request.path}{made.number}/")


class PresetVersionDetail(ApiView):
    """One version."""

    @describes(
        "get_preset_version",
        "One version of a preset",
        PresetVersionShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        preset = presets.preset_with_versions(actor_of(request), slug)
        return answer_one(request, PresetVersionShape, preset.version(number))


class PresetRetire(ApiView):
    """Takes a preset out of use."""

    @describes(
        "retire_preset",
        "Retire a preset: it cannot be chosen any more",
        PresetShape,
        problems=(404, *BODY_PROBLEMS),
    )
    def post(self, request: Request, slug: str) -> Response:
        return _acted(request, slug, services.retire_preset)


class PresetRestore(ApiView):
    """Brings one back."""

    @describes(
        "restore_preset", "Bring a retired preset back", PresetShape, problems=(404, 409, *BODY_PROBLEMS)
    )
    def post(self, request: Request, slug: str) -> Response:
        return _acted(request, slug, services.restore_preset)


def _acted(request: Request, slug: str, act: Callable[..., Preset]) -> Response:
    read_no_body(request)
    act(actor=actor_of(request), now=timezone.now(), slug=slug)
    return _shown(request, slug)


def _version(preset: presets.PresetView) -> str:
    """Another one with each change people make; being used is none."""
    return f"preset {preset.slug} {preset.latest.number} {preset.retired_at}"


def _shown(request: Request, slug: str, *, status: int = 200, **headers: str) -> Response:
    preset = presets.preset_with_versions(actor_of(request), slug)
    return answer_one(request, PresetShape, preset, version=_version(preset), status=status, **headers)
