"""REST: how an order is asked for and written down."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from reinstall.api.bodies import Body, Flag, Moment, NotOffered, Text, Texts
from reinstall.api.seen_shapes import SeenBody, SeenShape, facts_in
from reinstall.api.spec_bodies import SpecBody, settings_in, with_preset
from reinstall.domain.states import JobState, OrderState
from reinstall.domain.verdicts import Level
from reinstall.services.orders import OrderRequest
from reinstall.services.preset_use import InUse


class OrderBody(Body):
    """One decision about one or many servers."""

    project = Text(help_text="Slug of the project.")
    servers = Texts(help_text="Ids of the servers, each once.")
    spec = SpecBody()
    preset = Text(
        default="",
        help_text="A preset, as slug or slug@version: what spec leaves out is as it says. Without a version "
        "the newest counts.",
    )
    reason = Text(default="")
    confirm = Text(default="", help_text='The server\'s name, or "wipe N servers" for more than one.')
    not_before = Moment(default=None, allow_null=True)
    waves = NotOffered(default=None, allow_null=True)
    seen = SeenBody(
        many=True,
        default=[],
        help_text="Servers as a dry run told them in `seen`: one that is another by now is refused, and a "
        "dry run says what changed.",
    )
    dry_run = Flag(
        default=False, help_text="Answers 200 with the checks and the exact request; stores nothing."
    )


def order_request(
    body: dict[str, Any], given: Collection[str] = (), used: InUse | None = None
) -> OrderRequest:
    """A body, as services take it. Raises RuleBroken when user_data_base64 is not base64.

    given: the names its spec holds; used: the preset it names.
    """
    asked = settings_in(body["spec"])
    if used is not None:
        asked = with_preset(asked, given, used.settings)
    return OrderRequest(
        project=body["project"],
        servers=tuple(body["servers"]),
        **asdict(asked),
        adminpass=body["spec"]["adminpass"],
        preset=used.reference if used else "",
        reason=body["reason"],
        confirm=body["confirm"],
        not_before=body["not_before"],
        reviewed=facts_in(body["seen"]),
    )


class OrderJobShape(serializers.Serializer[Any]):
    """A job of an order, in short."""

    id = serializers.IntegerField()
    server = serializers.UUIDField(source="server_id")
    name = serializers.CharField(source="server_name")
    state = serializers.ChoiceField(choices=[state.value for state in JobState])


class OrderRowShape(serializers.Serializer[Any]):
    """An order as lists show it. counts: how many of its jobs are in which state."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=[state.value for state in OrderState])
    project = serializers.CharField(source="project_slug")
    environment = serializers.CharField()
    reason = serializers.CharField()
    requested_by = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    preset = serializers.CharField(help_text="The preset it used, as slug@version; empty for none.")
    request_hash = serializers.CharField()
    created_at = serializers.DateTimeField()
    counts = serializers.DictField(child=serializers.IntegerField())


class OrderShape(OrderRowShape):
    """An order with its jobs."""

    jobs = OrderJobShape(many=True)


class OrderCheckShape(serializers.Serializer[Any]):
    """One check before the start."""

    name = serializers.CharField()
    level = serializers.ChoiceField(choices=[level.value for level in Level])
    sentence = serializers.CharField()
    field = serializers.CharField(help_text="The field it is about, if it is about one.")


class PreviewedRequestShape(serializers.Serializer[Any]):
    """The exact call that would be made; user data is shown as size and SHA-256, a password not at all."""

    server_id = serializers.UUIDField()
    server_name = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField()
    body = serializers.DictField()
    request_hash = serializers.CharField(
        help_text="As the order will have it. Empty with a password: then it is made with a key of the order."
    )
    seen = SeenShape(help_text="The server as it was judged, for `seen` of the order.")


class PreviewShape(serializers.Serializer[Any]):
    """What a dry run found. Nothing was stored and nothing was sent."""

    checks = OrderCheckShape(many=True)
    requests = PreviewedRequestShape(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    curl = serializers.CharField(
        help_text="The first request for a shell, user data masked, the token a variable; the others differ "
        "in the server's id in the path."
    )
