"""REST: how an order that waits for a second person is written down, and the decision about it."""

from typing import Any

from rest_framework import serializers

from reinstall.api.bodies import Body, Text
from reinstall.domain.approvals import ApprovalDecision, ApprovalEnd

STATES = ("open", *(end.value for end in ApprovalEnd))


class OverrideShape(serializers.Serializer[Any]):
    """The first admin of an emergency override."""

    by = serializers.CharField()
    at = serializers.DateTimeField()
    reason = serializers.CharField()


class ApprovalShape(serializers.Serializer[Any]):
    """One order, and whether a second person agreed to exactly that."""

    id = serializers.IntegerField()
    order = serializers.IntegerField(source="order_id")
    project = serializers.CharField(source="project_slug")
    state = serializers.ChoiceField(
        choices=STATES, help_text="open, or how it ended; void: something changed, it counts no more."
    )
    requested_by = serializers.CharField()
    reason = serializers.CharField()
    preset = serializers.CharField(help_text="slug@version of the preset in use, empty for none.")
    servers = serializers.IntegerField(source="count", help_text="How many servers the order is for.")
    names = serializers.ListField(child=serializers.CharField(), help_text="The first three of them.")
    request_hash = serializers.CharField(help_text="What an agreement is bound to.")
    asked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="Until when somebody may agree.")
    ended_by = serializers.CharField()
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField()
    void_reason = serializers.CharField(help_text="What changed after somebody had agreed.")
    good_until = serializers.DateTimeField(allow_null=True, help_text="Until when the call may rest on it.")
    override = OverrideShape(allow_null=True)
    decisions = serializers.ListField(
        child=serializers.ChoiceField(choices=[one.value for one in ApprovalDecision]),
        help_text="What you may do with it; nothing for a token.",
    )


class DecisionBody(Body):
    """A person's decision about an open approval."""

    decision = Text(help_text="approve, decline, withdraw (your own), override (two admins, an emergency).")
    request_hash = Text(help_text="That of the approval you read; refused when another one is asked for now.")
    reason = Text(default="", help_text="At most 500 characters; needed to decline and to override.")


APPROVAL: dict[str, Any] = {
    "DecisionBody": {
        "decision": "approve",
        "request_hash": "9b1e6c0d4f0b4c39a1d5e2b7c8f9a0b15b6f0c6d4f0b4c39a1d5e2b7c8f9a0b1",
        "reason": "",
    },
    "ApprovalShape": {
        "id": 311,
        "order": 1842,
        "project": "shop-prod",
        "state": "open",
        "requested_by": "alice",
        "reason": "OPS-4417",
        "preset": "web-base@3",
        "servers": 1,
        "names": ["web-prod-11"],
        "request_hash": "9b1e6c0d4f0b4c39a1d5e2b7c8f9a0b15b6f0c6d4f0b4c39a1d5e2b7c8f9a0b1",
        "asked_at": "2026-01-02T03:04:05Z",
        "expires_at": "2026-01-03T03:04:05Z",
        "ended_by": "",
        "ended_at": None,
        "end_reason": "",
        "void_reason": "",
        "good_until": None,
        "override": None,
        "decisions": ["approve", "decline"],
    },
}
