"""Looks over a request before it is placed, with what the portal already knows; asks the cloud nothing."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reinstall.domain.callversions import call_findings, version_for
from reinstall.domain.looks import look_of
from reinstall.domain.spec import MODE_STOP_FIRST, ReinstallSpec, user_data_warnings
from reinstall.domain.states import ACTIVE
from reinstall.models import Job, KeyPair, KmsKey, Project, Server
from reinstall.services import links, requests


class Level(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    TO_KNOW = "to_know"
    MUST_FIX = "must_fix"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `sentence` says what is, for must_fix also what would be right; `field` is the form's."""

    name: str
    level: Level
    sentence: str
    field: str = ""


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, and what the portal knows about it: read once, however many servers it names."""

    project: Project
    spec: ReinstallSpec
    holders: dict[uuid.UUID, Job]
    #: User ids the key pair belongs to, "" where the cloud does not say; empty: there is no such key pair.
    key_owners: frozenset[str]
    kms_key: KmsKey | None
    warnings: tuple[str, ...]
    #: Ids of images without Cloud-Init.
    bare_images: frozenset[str]


def check_requests(
    project: Project, servers: Sequence[Server], spec: ReinstallSpec
) -> list[tuple[Check, ...]]:
    """All checks for each of the servers, in the order people read them; a few queries, however many."""
    checks: list[Callable[[_Asked, Server], Iterator[Check]]] = [
        _there,
        _free,
        _disks,
        _running,
        _key_pair,
        _encryption,
        _user_data,
        _call,
    ]
    asked = _asked(project, servers, spec)
    return [tuple(result for check in checks for result in check(asked, server)) for server in servers]


def _asked(project: Project, servers: Sequence[Server], spec: ReinstallSpec) -> _Asked:
    pairs = KeyPair.objects.filter(project=project, name=spec.keyname, gone_at=None)
    keys = KmsKey.objects.filter(project=project, key_id=spec.cmkid, gone_at=None)
    return _Asked(
        project=project,
        spec=spec,
        holders=holders(servers),
        key_owners=frozenset(pairs.values_list("userid", flat=True)) if spec.keyname else frozenset(),
        kms_key=keys.first() if spec.cmkid else None,
        warnings=user_data_warnings(spec.user_data),
        bare_images=requests.bare_images(project),
    )


def _there(asked: _Asked, server: Server) -> Iterator[Check]:
    if server.gone_at is not None:
        yield Check(
            "server",
            Level.MUST_FIX,
            f"{server.name} was not at the cloud any more at the last sync.",
            "servers",
        )
    elif server.temporary:
        yield Check(
            "server",
            Level.MUST_FIX,
            f"{server.name} is a temporary helper of a running reinstall; it vanishes by itself.",
            "servers",
        )
    else:
        yield Check("server", Level.PASSED, f"Server found, state {server.status}.")
    if server.locked:
        yield Check(
            "locked",
            Level.MUST_FIX,
            f"{server.name} is locked at the cloud. Unlock it there first.",
            "servers",
        )


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
        yield Check(
            "system_disk", Level.MUST_FIX, f"{server.name} has no system disk that is known here.", "servers"
        )
        return
    yield Check("system_disk", Level.PASSED, "One system disk attached; it is the only one that is wiped.")
    if system[0].encrypted and asked.spec.encrypted is not True:
        yield Check(
            "encryption_lost",
            Level.TO_KNOW,
            "The system disk is encrypted now; as asked for here, the new one may not be.",
            "encrypted",
        )


def _running(asked: _Asked, server: Server) -> Iterator[Check]:
    profile = links.profile_of(asked.project)
    if server.status == "SHUTOFF" or asked.spec.mode == MODE_STOP_FIRST:
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


def _key_pair(asked: _Asked, server: Server) -> Iterator[Check]:
    spec, owners = asked.spec, asked.key_owners
    if not spec.keyname:
        return
    if not owners:
        yield Check(
            "key_pair",
            Level.MUST_FIX,
            f"There is no key pair {spec.keyname} in {asked.project.name} as last read.",
            "keyname",
        )
    elif owners == {""}:
        sentence = "The key pair exists; the cloud does not say to this portal which user it belongs to."
        yield Check("key_pair", Level.TO_KNOW, sentence, "userid")
    elif spec.userid not in owners:
        yield Check(
            "key_pair",
            Level.MUST_FIX,
            f"The key pair {spec.keyname} does not belong to user {spec.userid}; "
            f"its owner is {', '.join(sorted(owners))}.",
            "userid",
        )
    else:
        yield Check("key_pair", Level.PASSED, "The key pair exists for this user ID.")


def _encryption(asked: _Asked, server: Server) -> Iterator[Check]:
    spec, key = asked.spec, asked.kms_key
    if not spec.cmkid:
        return
    if key is None:
        yield Check(
            "kms_key", Level.MUST_FIX, f"There is no KMS key {spec.cmkid} in {asked.project.name}.", "cmkid"
        )
    elif key.state != KmsKey.ENABLED:
        yield Check(
            "kms_key", Level.MUST_FIX, f"The KMS key {key} is not enabled. Choose an enabled one.", "cmkid"
        )
    else:
        yield Check("kms_key", Level.PASSED, "The KMS key is enabled.")


def _user_data(asked: _Asked, server: Server) -> Iterator[Check]:
    for warning in asked.warnings:
        yield Check("user_data", Level.TO_KNOW, warning, "user_data")


def _call(asked: _Asked, server: Server) -> Iterator[Check]:
    """Whether the call this server's image takes, takes what is asked for."""
    found = call_findings(
        asked.spec,
        server_name=server.name,
        os_type=server.os_type,
        version=version_for(cloud_init=server.image_id not in asked.bare_images),
        calls=links.calls_of(asked.project),
    )
    for finding in found:
        yield Check(finding.name, Level(finding.level), finding.sentence, finding.field)
