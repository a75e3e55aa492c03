"""Key pairs the signed-in user can see.

Source: Elastic Cloud Server API reference, native OpenStack Nova APIs, "SSH Key Management". A reinstall
looks the key up as (user id, name), and only the single query tells whose a key is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from ecsclient.errors import BadAnswer, NotFound
from ecsclient.fields import JsonObject, child, demand, instant, objects, optional_text, text
from ecsclient.session import CloudSession


@dataclass(frozen=True, slots=True)
class KeyPairRecord:
    """One key pair; `user_id` is None where the cloud does not tell whose it is."""

    name: str
    fingerprint: str
    user_id: str | None
    type: str
    created: datetime | None


def _record(entry: JsonObject, name: str) -> KeyPairRecord:
    return KeyPairRecord(
        name=name,
        fingerprint=text(entry, "fingerprint"),
        user_id=optional_text(entry, "user_id") or None,
        type=text(entry, "type"),
        created=instant(entry, "created_at"),
    )


def get_keypair(session: CloudSession, name: str) -> KeyPairRecord:
    """The key pair of that name, with its owner. Raises NotFound where this user can see none."""
    # The HTTP library takes "." and ".." out of a path, and would then ask for the list or for less.
    if name in ("", ".", ".."):
        raise ValueError("name should be the name of a key pair")
    path = f"/v2.1/{session.project_id}/os-keypairs/{quote(name, safe='')}"
    answer = session.get("ecs", path)
    demand(answer, "keypair")
    entry = child(answer, "keypair")
    if text(entry, "name") != name:
        raise BadAnswer(f"asked for key pair '{name}', the cloud described '{text(entry, 'name')}'")
    return _record(entry, name)


def list_keypairs(session: CloudSession) -> Iterator[KeyPairRecord]:
    """All key pairs of the signed-in user: one call for the list and one for each, because only that one
    tells the owner. Entries without a name, and keys deleted meanwhile, are left out."""
    answer = session.get("ecs", f"/v2.1/{session.project_id}/os-keypairs")
    demand(answer, "keypairs")
    for item in objects(answer, "keypairs"):
        name = text(child(item, "keypair"), "name")
        if name in ("", ".", ".."):
            continue
        try:
            yield get_keypair(session, name)
        except NotFound:
            continue
