"""REST: a server as it was judged; a dry run tells it, an order or another dry run takes it back."""

import uuid
from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from reinstall.api.bodies import Body, Flag, Text, Texts
from reinstall.domain.errors import RuleBroken
from reinstall.domain.identity import DiskFacts, ServerFacts


class SeenDiskShape(serializers.Serializer[Any]):
    """A disk that is attached. system: it is the one a reinstall wipes."""

    id = serializers.CharField(source="volume_id")
    system = serializers.BooleanField(source="is_system")
    encrypted = serializers.BooleanField()


class SeenShape(serializers.Serializer[Any]):
    """What of a server may not change between a look and the call."""

    id = serializers.UUIDField(source="server_id")
    name = serializers.CharField()
    status = serializers.CharField()
    addresses = serializers.ListField(child=serializers.CharField())
    image_id = serializers.CharField()
    disks = SeenDiskShape(many=True)


class SeenDiskBody(Body):
    """As told in `seen`."""

    id = Text()
    system = Flag()
    encrypted = Flag()


class SeenBody(Body):
    """As told in `seen`, all of it."""

    id = Text()
    name = Text()
    status = Text()
    addresses = Texts()
    image_id = Text()
    disks = SeenDiskBody(many=True)


def facts_in(seen: Sequence[dict[str, Any]]) -> tuple[ServerFacts, ...]:
    """The servers as services compare them. Raises RuleBroken for what is no id of a server."""
    return tuple(
        ServerFacts(
            server_id=_key(one["id"]),
            name=one["name"],
            status=one["status"],
            addresses=tuple(one["addresses"]),
            image_id=one["image_id"],
            disks=tuple(
                DiskFacts(disk["id"], boot_index=0 if disk["system"] else None, encrypted=disk["encrypted"])
                for disk in one["disks"]
            ),
        )
        for one in seen
    )


def _key(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise RuleBroken("seen.id is not the id of a server.", "seen", "format") from None
