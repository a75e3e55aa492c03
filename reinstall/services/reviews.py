"""What a person had before them when they decided, compared with what is known when they send it.

The engine compares once more, with the cloud, right before the call. This comparison is earlier and kinder:
nothing is placed, and the page says what changed.
"""

from collections.abc import Sequence

from reinstall.domain.actors import Actor
from reinstall.domain.errors import FieldError
from reinstall.domain.identity import ServerFacts, drift
from reinstall.models import Server
from reinstall.services import access, requests

#: Words for the states people know; others are shown as the cloud spells them.
_WORDS = {"ACTIVE": "running", "SHUTOFF": "stopped", "ERROR": "in error"}


def reviewed(actor: Actor, project: str, ids: Sequence[str]) -> tuple[ServerFacts, ...]:
    """The servers as they stand in the rows now, for the page that shows them."""
    found = access.project_for_requests(actor, project)
    rows = Server.objects.filter(project=found, pk__in=ids).prefetch_related("disks")
    return tuple(requests.facts_of(row) for row in rows)


def stale(servers: Sequence[Server], seen: Sequence[ServerFacts]) -> list[FieldError]:
    """An error for each of the servers that is not as it was on the page; none for those nobody was shown."""
    shown = {facts.server_id: facts for facts in seen}
    errors = []
    for server in servers:
        before = shown.get(str(server.pk))
        changed = changes_of(server, before) if before is not None else []
        if changed:
            sentence = (
                f"{server.name} changed since you looked at it: {'; '.join(changed)}. "
                "Nothing was sent. Read the checks, then go on."
            )
            errors.append(FieldError("", sentence, "stale"))
    return errors


def changes_of(server: Server, before: ServerFacts) -> list[str]:
    """In words, how `server` is another than it was shown; empty when it is the same."""
    now = requests.facts_of(server)
    changed = list(drift(before, now))
    if before.status != now.status:
        changed.append(f"it was {_word(before.status)} and is {_word(now.status)} now")
    if before.image_id != now.image_id:
        changed.append("its image is another one")
    disk, was = now.system_disk, before.system_disk
    if disk is not None and was is not None and disk.encrypted != was.encrypted:
        changed.append(f"its system disk is {'encrypted' if disk.encrypted else 'not encrypted'} now")
    return changed


def _word(status: str) -> str:
    return _WORDS.get(status, status)
