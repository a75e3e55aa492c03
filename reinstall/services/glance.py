"""A glance at the cloud before a decision: everything a reinstall rests on, asked side by side.

What comes back is written into the rows of the inventory, and the checks read those. So the form, a dry run
and the order are judged by the same code on the same rows; a glance only makes them fresher. It waits
`settings.FORM_WAIT_S` seconds at most: a cloud that is slow or away costs a sentence, not the page.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock

from django.conf import settings

from ecsclient import images, keypairs, kms, volumes
from ecsclient.errors import CloudError, NotFound
from ecsclient.session import CloudSession
from reinstall.domain.budgets import Share
from reinstall.domain.redaction import plain_text
from reinstall.domain.sealing import CannotOpen
from reinstall.models import Project, Server
from reinstall.services import budget, glance_rows, links, readings

#: An answer holds so long for all who ask; a form that is being filled in asks after each pause in typing.
GOOD_FOR_S = 8.0
#: More servers than these are judged by the last sync.
MOST_SERVERS = 5
#: Calls that may be under way at a time, for all forms of this process.
SIDE_BY_SIDE = 16
_MOST_KEPT = 5_000

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """What a look brought. asked: kinds of questions that were answered just now; silent: sentences on those
    that were not; room: disks the project may still have, None where that is unlimited or not told."""

    asked: frozenset[str] = frozenset()
    silent: tuple[str, ...] = ()
    room: int | None = None

    @property
    def fresh(self) -> bool:
        """Whether the cloud answered all that was asked."""
        return bool(self.asked) and not self.silent


@dataclass(frozen=True, slots=True)
class _Question:
    """kind: what it is about, in words; key: what makes two questions the same; ask: the call; keep: writes
    the answer down (None: there is no such thing)."""

    kind: str
    key: Key
    ask: Callable[[CloudSession], object]
    keep: Callable[[object], None]
    calls: int = 1


@dataclass(frozen=True, slots=True)
class _Answer:
    value: object
    error: str
    at: float


_known: dict[Key, _Answer] = {}
_making = Lock()
_pools: list[ThreadPoolExecutor] = []


def forget() -> None:
    """Asks everything anew (tests)."""
    _known.clear()


def look(project: Project, servers: Sequence[Server], *, keyname: str, cmkid: str, now: datetime) -> Glance:
    """Asks the cloud about the servers (where they are few), their images, key pair, KMS key, quota and
    snapshots, and keeps what it says. Reads only; raises nothing for a cloud that fails."""
    if settings.FORM_WAIT_S <= 0:
        return Glance()
    questions = _questions(project, servers, keyname, cmkid, now)
    mine = (str(project.pk), str(project.credential_version))
    new = [q for q in questions if _remembered((*mine, *q.key)) is None]
    calls = sum(q.calls for q in new)
    if calls:
        turn = budget.take(cloud_id=project.cloud_id, share=Share.EVIDENCE, now=now, calls=calls)
        if not turn.calls:
            return Glance(silent=("The calls this portal may make to the cloud are used up for the moment.",))
    futures: dict[Key, Future[None]] = {}
    for question in new:
        futures[question.key] = _threads().submit(_ask, project, (*mine, *question.key), question.ask)
    wait(futures.values(), timeout=settings.FORM_WAIT_S)
    return _told(questions, {q.key for q in new}, mine)


def _told(questions: list[_Question], new: set[Key], mine: Key) -> Glance:
    asked, silent, room = set(), {}, None
    for question in questions:
        answer = _remembered((*mine, *question.key))
        if answer is None:
            silent[question.kind] = f"it did not answer within {settings.FORM_WAIT_S:.0f} s"
        elif answer.error:
            silent[question.kind] = answer.error
        else:
            asked.add(question.kind)
            if question.key in new:
                question.keep(answer.value)
            if question.kind == "quota" and isinstance(answer.value, int):
                room = answer.value
    return Glance(frozenset(asked), _sentences(silent), room)


def _sentences(silent: dict[str, str]) -> tuple[str, ...]:
    """One sentence for each reason, naming what it left open."""
    by_reason: dict[str, list[str]] = {}
    for kind, why in silent.items():
        by_reason.setdefault(why, []).append(kind)
    return tuple(
        f"The cloud could not be asked about {_listed(kinds)} ({why}); judged by what was last read."
        for why, kinds in by_reason.items()
    )


def _listed(kinds: list[str]) -> str:
    return kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]}"


def _questions(
    project: Project, servers: Sequence[Server], keyname: str, cmkid: str, now: datetime
) -> list[_Question]:
    there = links.endpoints_of(project)
    rows = glance_rows.Rows(project, now)
    found = [_Question("quota", ("quota",), volumes.room_for_volumes, rows.nothing)] if "evs" in there else []
    if keyname:
        ask = partial(_key_pair, name=keyname)
        found.append(_Question("key pair", ("key", keyname), ask, partial(rows.key_pair, keyname)))
    if cmkid and "kms" in there:
        found.append(
            _Question(
                "KMS key", ("kms", cmkid), partial(_kms_key, key_id=cmkid), partial(rows.kms_key, cmkid)
            )
        )
    for image_id in list(dict.fromkeys(s.image_id for s in servers if s.image_id))[:MOST_SERVERS]:
        if "ims" in there:
            ask_image = partial(images.get_image, image_id=image_id)
            found.append(_Question("image", ("image", image_id), ask_image, partial(rows.image, image_id)))
    for server in servers if len(servers) <= MOST_SERVERS else ():
        found += _about(server, rows, with_disks="evs" in there)
    return found


def _about(server: Server, rows: glance_rows.Rows, *, with_disks: bool) -> list[_Question]:
    pk = str(server.pk)
    keep = partial(rows.server, server)
    found = [_Question("server", ("server", pk), partial(_server, server_id=pk), keep, calls=2)]
    if with_disks:
        ask_disks = partial(_disks, server_id=pk)
        found.append(_Question("disks", ("disks", pk), ask_disks, partial(rows.disks, server)))
        system = next((disk for disk in server.disks.all() if disk.is_system), None)
        if system is not None:
            ask = partial(volumes.count_snapshots, volume_id=system.volume_id)
            key = ("snapshots", system.volume_id)
            found.append(_Question("snapshots", key, ask, partial(rows.snapshots, system)))
    return found


def _server(session: CloudSession, *, server_id: str) -> object:
    try:
        return readings.look_at(session, server_id)
    except NotFound:
        return None


def _disks(session: CloudSession, *, server_id: str) -> object:
    return list(volumes.list_volumes(session, server_id=server_id))


def _key_pair(session: CloudSession, *, name: str) -> object:
    try:
        return keypairs.get_keypair(session, name)
    except NotFound:
        return None


def _kms_key(session: CloudSession, *, key_id: str) -> object:
    try:
        return kms.get_key(session, key_id)
    except NotFound:
        return None


def _ask(project: Project, key: Key, ask: Callable[[CloudSession], object]) -> None:
    """In a thread: one question, nothing of the database."""
    try:
        answer = _Answer(ask(links.session_of(project, patient=False)), "", time.monotonic())
    except (CloudError, CannotOpen, ValueError) as error:
        why = "its credentials do not open" if isinstance(error, CannotOpen) else plain_text(str(error), 200)
        answer = _Answer(None, why or type(error).__name__, time.monotonic())
    if len(_known) >= _MOST_KEPT:
        _known.clear()
    _known[key] = answer


def _remembered(key: Key) -> _Answer | None:
    answer = _known.get(key)
    return answer if answer is not None and time.monotonic() - answer.at <= GOOD_FOR_S else None


def _threads() -> ThreadPoolExecutor:
    """Made on first use, so that a forked process has threads of its own."""
    with _making:
        if not _pools:
            _pools.append(ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="glance"))
        return _pools[0]
