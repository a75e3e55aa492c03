"""Keys for disk encryption. Source: Key Management Service API reference, "Querying the List of CMKs"."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ecsclient.fields import JsonObject, child, demand, flag, objects, required_id, text, whole
from ecsclient.session import CloudSession

ENABLED: Final = 2
_PAGE: Final = "100"
_MOST_PAGES: Final = 500


@dataclass(frozen=True, slots=True)
class KmsKeyRecord:
    """One key. `state`: 1 waiting for activation, 2 enabled, 3 disabled, 4 to be deleted, 5 waiting for its
    material; only an enabled key can encrypt a disk. `default`: made by the cloud for a service."""

    key_id: str
    alias: str
    state: int
    default: bool

    @property
    def usable(self) -> bool:
        return self.state == ENABLED


def _record(entry: JsonObject) -> KmsKeyRecord:
    return KmsKeyRecord(
        key_id=required_id(entry, "key_id"),
        alias=text(entry, "key_alias"),
        state=whole(entry, "key_state") or 0,
        default=whole(entry, "default_key_flag") == 1,
    )


def get_key(session: CloudSession, key_id: str) -> KmsKeyRecord:
    """One key. Raises NotFound where the project has none of that id.

    Source: Key Management Service API reference, "Querying the Information About a CMK".
    """
    answer = session.post("kms", f"/v1.0/{session.project_id}/kms/describe-key", {"key_id": key_id})
    demand(answer, "key_info")
    return _record(child(answer, "key_info"))


def list_keys(session: CloudSession) -> Iterator[KmsKeyRecord]:
    """All keys of the project in any state, each once. Raises CloudError."""
    marker = ""
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        payload = {"limit": _PAGE} | ({"marker": marker} if marker else {})
        answer = session.post("kms", f"/v1.0/{session.project_id}/kms/list-keys", payload)
        demand(answer, "keys")
        records = [_record(entry) for entry in objects(answer, "key_details")]
        new = [record for record in records if record.key_id not in seen]
        seen.update(record.key_id for record in new)
        yield from new
        following = text(answer, "next_marker")
        # "truncated" is the string "true" or "false". A marker that stays would never end.
        if not flag(answer, "truncated") or following in ("", marker) or not new:
            return
        marker = following
