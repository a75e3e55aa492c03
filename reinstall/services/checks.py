"""Looks over a request before it is placed, by the rows of the inventory; asks the cloud nothing.

A form and a dry run have a glance at the cloud first (services.glance), which makes those rows fresh. What an
answer means is said in domain.verdicts, for these checks and for the engine's last look alike.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reinstall.domain import verdicts
from reinstall.domain.callversions import call_findings, version_for
from reinstall.domain.identity import ServerFacts
from reinstall.domain.looks import look_of
from reinstall.domain.spec import MODE_STOP_FIRST, Wanted, user_data_warnings
from reinstall.domain.states import ACTIVE
from reinstall.domain.verdicts import Check, ImageState, Level, Verdict
from reinstall.models import Image, Job, KeyPair, KmsKey, Project, Server
from reinstall.services import links, protection, reviews
from reinstall.services.glance import Glance


def holders(servers: Sequence[Server]) -> dict[uuid.UUID, Job]:
    """The jobs that hold any of these servers of one project, by server: one query for one and for many."""
    active = Job.objects.select_related("order").filter(state__in=ACTIVE)
    # Ten thousand ids in a question cost more than the active jobs of a project.
    first = servers[0]
    active = active.filter(server=first) if len(servers) == 1 else active.filter(project=first.project_id)
    return {job.server_id: job for job in active}


def held_by(server: Server) -> Job | None:
    """The job that holds `server`, if any."""
    return holders([server]).get(server.pk)


def held_sentence(job: Job) -> str:
    """Who holds a server, in words."""
    word = look_of("job", job.state).word
    return f"{job.server_name} is held by job #{job.pk} of {job.order.requested_by_name}, in state “{word}”."


#: For a request that is judged by the rows alone.
NO_GLANCE = Glance()


def _verdict(name: str, verdict: Verdict, field: str = "") -> Check:
    return Check(name, verdict.level, verdict.sentence, field)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, and what the portal knows about it: read once, however many servers it names."""

    project: Project
    spec: Wanted
    holders: dict[uuid.UUID, Job]
    #: User ids the key pair belongs to, "" where the cloud does not say; empty: there is no such key pair.
    key_owners: frozenset[str]
    kms_key: KmsKey | None
    warnings: tuple[str, ...]
    images: dict[str, ImageState]
    glance: Glance
    #: Server id -> the server as the person was shown it.
    shown: dict[str, ServerFacts]


def of_the_cloud(glance: Glance) -> Iterator[Check]:
    """What the cloud could not be asked about, once for a request however many servers it names."""
    for sentence in glance.silent:
        yield Check("cloud", Level.TO_KNOW, sentence)


def check_requests(
    project: Project,
    servers: Sequence[Server],
    spec: Wanted,
    glance: Glance = NO_GLANCE,
    shown: Sequence[ServerFacts] = (),
) -> list[tuple[Check, ...]]:
    """All checks for each of the servers, in the order people read them; a few queries, however many.

    shown: the servers as the person was shown them; of others it is not said whether they changed.
    """
    checks: list[Callable[[_Asked, Server], Iterator[Check]]] = [
        _there,
        _as_shown,
        _unlocked,
        _protected,
        _free,
        _disks,
        _running,
        _image,
        _room,
        _key_pair,
        _encryption,
        _user_data,
        _call,
    ]
    asked = _asked(project, servers, spec, glance, shown)
    return [tuple(result for check in checks for result in check(asked, server)) for server in servers]


def _asked(
    project: Project,
    servers: Sequence[Server],
    spec: Wanted,
    glance: Glance,
    shown: Sequence[ServerFacts],
) -> _Asked:
    pairs = KeyPair.objects.filter(project=project, name=spec.keyname, gone_at=None)
    keys = KmsKey.objects.filter(project=project, key_id=spec.cmkid, gone_at=None)
    return _Asked(
        project=project,
        spec=spec,
        holders=holders(servers),
        key_owners=frozenset(pairs.values_list("userid", flat=True)) if spec.keyname else frozenset(),
        kms_key=keys.first() if spec.cmkid else None,
        warnings=user_data_warnings(spec.user_data, system_of(servers)),
        images=_images(project, servers),
        glance=glance,
        shown={facts.server_id: facts for facts in shown},
    )


def system_of(servers: Sequence[Server]) -> str:
    """The system all of them run, as the cloud says it ("Linux", "Windows"); "" when they differ."""
    systems = {server.os_type for server in servers}
    return systems.pop() if len(systems) == 1 else ""


def _images(project: Project, servers: Sequence[Server]) -> dict[str, ImageState]:
    wanted = {server.image_id for server in servers if server.image_id}
    found = Image.objects.filter(project=project, image_id__in=wanted)
    return {
        row.image_id: ImageState(
            row.name, row.status, row.image_type, gone=row.gone_at is not None, cloud_init=row.cloud_init
        )
        for row in found
    }


def _there(asked: _Asked, server: Server) -> Iterator[Check]:
    if server.gone_at is not None:
        when = "" if "server" in asked.glance.asked else " at the last sync"
        sentence = f"{server.name} {'was' if when else 'is'} not at the cloud any more{when}. Choose another."
        yield Check("server", Level.MUST_FIX, sentence, "servers")
    elif server.temporary:
        sentence = f"{server.name} is a temporary helper of a running reinstall; it vanishes by itself."
        yield Check("server", Level.MUST_FIX, sentence, "servers")
    else:
        yield Check("server", Level.PASSED, f"Server found, state {server.status}.")


def _as_shown(asked: _Asked, server: Server) -> Iterator[Check]:
    before = asked.shown.get(str(server.pk))
    if before is None:
        return
    changed = reviews.changes_of(server, before)
    if changed:
        sentence = f"{server.name} changed since you looked at it: {'; '.join(changed)}. Look at it anew."
        yield Check("changed", Level.MUST_FIX, sentence, "servers")
    else:
        yield Check("changed", Level.PASSED, "It is what it was when you looked at it.")


def _unlocked(asked: _Asked, server: Server) -> Iterator[Check]:
    if server.locked:
        sentence = f"{server.name} is locked at the cloud. Unlock it there first."
        yield Check("locked", Level.MUST_FIX, sentence, "servers")
    else:
        yield Check("locked", Level.PASSED, "It is not locked at the cloud.")


def _protected(asked: _Asked, server: Server) -> Iterator[Check]:
    sentence = protection.sentence_of(server)
    if sentence:
        yield Check("protected", Level.MUST_FIX, sentence, "servers")
    else:
        yield Check("protected", Level.PASSED, "It is not protected.")


def _free(asked: _Asked, server: Server) -> Iterator[Check]:
    job = asked.holders.get(server.pk)
    if job is None:
        yield Check("held", Level.PASSED, "No other job holds this server.")
    else:
        yield Check("held", Level.MUST_FIX, held_sentence(job), "servers")


def _disks(asked: _Asked, server: Server) -> Iterator[Check]:
    disks = list(server.disks.all())
    system = [disk for disk in disks if disk.is_system]
    if len(system) != 1:
        sentence = f"{server.name} has no system disk that is known here, or more than one."
        yield Check("system_disk", Level.MUST_FIX, f"{sentence} Put that right at the cloud.", "servers")
        return
    yield Check("system_disk", Level.PASSED, "One system disk attached; it is the only one that is wiped.")
    verdict = verdicts.encryption(
        now_encrypted=system[0].encrypted,
        cmkid=system[0].cmkid,
        asked=asked.spec.encrypted,
        can_ask=links.profile_of(asked.project).allows_encryption,
    )
    yield _verdict("encryption_lost", verdict, "" if verdict.level is Level.PASSED else "encrypted")
    if system[0].snapshots is not None or "snapshots" in asked.glance.asked:
        yield _verdict("snapshots", verdicts.snapshots(system[0].snapshots))


def _running(asked: _Asked, server: Server) -> Iterator[Check]:
    profile = links.profile_of(asked.project)
    if server.status not in verdicts.FIT_STATES:
        yield Check(
            "running",
            Level.TO_KNOW,
            f"{server.name} was {server.status} when last read; only ACTIVE, SHUTOFF or ERROR will do. "
            "It is read again before anything is sent.",
        )
    elif server.status == "SHUTOFF" or asked.spec.mode == MODE_STOP_FIRST:
        yield Check("running", Level.PASSED, "The running state fits.")
    elif profile.requires_stopped:
        yield Check(
            "running", Level.TO_KNOW, f"{profile.title} wants a stopped server; this portal stops it first."
        )
    elif server.status == "ACTIVE":
        yield Check(
            "running",
            Level.MUST_FIX,
            f"{server.name} is running. Choose to stop it first, or stop it at the cloud.",
            "mode",
        )
    else:
        yield Check(
            "running",
            Level.TO_KNOW,
            f"{server.name} was {server.status} when last read; it is read again before anything is sent.",
        )


def _image(asked: _Asked, server: Server) -> Iterator[Check]:
    found = asked.images.get(server.image_id)
    if found is not None:
        yield _verdict("image", verdicts.image(server.name, server.image_id, found), "servers")


def _room(asked: _Asked, server: Server) -> Iterator[Check]:
    if "quota" in asked.glance.asked:
        yield _verdict("quota", verdicts.room(asked.glance.room), "servers")


def _key_pair(asked: _Asked, server: Server) -> Iterator[Check]:
    spec, owners = asked.spec, asked.key_owners
    if not spec.keyname:
        return
    if owners:
        verdict = verdicts.key_pair(spec.keyname, spec.userid, owners)
        yield _verdict("key_pair", verdict, "" if verdict.level is Level.PASSED else "userid")
        return
    sentence = f"There is no key pair {spec.keyname} in {asked.project.name} as last read. Choose another."
    yield Check("key_pair", Level.MUST_FIX, sentence, "keyname")


def _encryption(asked: _Asked, server: Server) -> Iterator[Check]:
    spec, key = asked.spec, asked.kms_key
    if spec.cmkid:
        verdict = verdicts.kms_key(str(key or spec.cmkid), key.state if key else None)
        yield _verdict("kms_key", verdict, "" if verdict.level is Level.PASSED else "cmkid")


def _user_data(asked: _Asked, server: Server) -> Iterator[Check]:
    for warning in asked.warnings:
        yield Check("user_data", Level.TO_KNOW, warning, "user_data")
    if asked.spec.user_data and not asked.warnings:
        yield Check("user_data", Level.PASSED, "Nothing stands out in the first-boot script.")


def _call(asked: _Asked, server: Server) -> Iterator[Check]:
    """Whether the call this server's image takes, takes what is asked for; an unread image is a usual one."""
    image = asked.images.get(server.image_id)
    if image is not None and image.cloud_init and not image.gone:
        yield Check("call", Level.PASSED, "The image has Cloud-Init.")
    yield from call_findings(
        asked.spec,
        server_name=server.name,
        os_type=server.os_type,
        version=version_for(cloud_init=image is None or image.cloud_init),
        calls=links.calls_of(asked.project),
    )
