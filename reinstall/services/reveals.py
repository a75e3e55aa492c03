"""Shows a first-boot script to a person: with the right, a fresh proof, and an entry that says so.

The entry names the script by its size and SHA-256, and is written before the script leaves: what cannot be
recorded is not shown. A token is shown none, whatever its scopes.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.roles import READS_SCRIPTS
from reinstall.domain.sealing import CannotOpen
from reinstall.domain.throttles import Kind
from reinstall.models import Job, PresetVersion, Project
from reinstall.services import access, history, proof, throttles, vault
from reinstall.services.presets import script_place
from reinstall.services.requests import user_data_place

NONE, FORGOTTEN = "none", "forgotten"
_SHUT = (
    "The script does not open: ECSPORTAL_ENCRYPTION_KEYS lacks the key it was sealed with, or the row was "
    "changed. Nothing was shown."
)


@dataclass(frozen=True, slots=True)
class Revealed:
    """A script that was recorded as shown; it is in no repr. before: that of the version before, if asked."""

    raw: bytes = field(repr=False)
    before: bytes = field(default=b"", repr=False)

    @property
    def text(self) -> str:
        """As people read it; bytes that are no text are replacement characters."""
        return self.raw.decode("utf-8", "replace")

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.raw)

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.raw).hexdigest()


def reveal_script(*, actor: Actor, now: datetime, job_id: int) -> Revealed:
    """The script a job's order was placed with, recorded as shown to `actor`.

    Raises NotFound; NotAllowed without the right; NeedsSecondFactor or NeedsProof; Conflict where there was
    none (code "none") or its days are over ("forgotten"); TooMany; RuleBroken where it does not open.
    """
    jobs = Job.objects.select_related("project", "order")
    job = jobs.filter(project__in=Project.objects.visible_to(actor), pk=job_id).first()
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    _must_be_shown(actor, now, job.project)
    order = job.order
    if not order.user_data_bytes:
        raise Conflict(f"Job #{job_id} has no first-boot script.", code=NONE)
    if not order.user_data_sealed:
        raise Conflict(
            f"The script of job #{job_id} was deleted after {settings.KEEP_SECRETS_DAYS} days, as set by "
            "ECSPORTAL_KEEP_SECRETS_DAYS; its size and SHA-256 remain.",
            code=FORGOTTEN,
        )
    throttles.spend(principal=actor.principal, kind=Kind.REVEAL, now=now)
    shown = Revealed(_opened(order.user_data_sealed, user_data_place(order)))
    act = history.Act(
        action="job.script_revealed",
        object_type="job",
        object_id=str(job.pk),
        object_label=str(job),
        project_slug=job.project.slug,
        after={"user_data": _told(shown.raw)},
    )
    with transaction.atomic():
        history.record(actor=actor, now=now, act=act)
    return shown


def reveal_preset_script(
    *, actor: Actor, now: datetime, slug: str, number: int, compared: bool = False
) -> Revealed:
    """The script of a version of a preset; compared: and of the one before it. Raises as `reveal_script`."""
    found = PresetVersion.objects.select_related("preset__project").filter(
        preset__project__in=Project.objects.visible_to(actor), preset__slug=slug, number__lte=number
    )
    versions = list(found.order_by("-number")[: 2 if compared else 1])
    if not versions or versions[0].number != number:
        raise NotFound(f"There is no version {number} of a preset {slug}.")
    preset = versions[0].preset
    _must_be_shown(actor, now, preset.project)
    if not versions[0].user_data_bytes:
        raise Conflict(f"{versions[0]} has no first-boot script.", code=NONE)
    throttles.spend(principal=actor.principal, kind=Kind.REVEAL, now=now)
    shown = Revealed(*(_opened(one.user_data_sealed, script_place(one)) for one in versions))
    act = history.Act(
        action="preset.script_revealed",
        object_type="preset",
        object_id=preset.slug,
        object_label=preset.name,
        project_slug=preset.project.slug,
        after={f"v{one.number}": _told(raw) for one, raw in zip(versions, _both(shown), strict=False) if raw},
    )
    with transaction.atomic():
        history.record(actor=actor, now=now, act=act)
    return shown


def _must_be_shown(actor: Actor, now: datetime, project: Project) -> None:
    if actor.scopes is not None:
        raise NotAllowed("A token is shown no script. Scripts are shown to a person: sign in to see it.")
    if not any(access.has(actor, project, right) for right in READS_SCRIPTS):
        raise NotAllowed(
            f"Seeing a script in {project.name} needs the role requester or approver. "
            "An admin of the project gives it."
        )
    proof.must_be_proved(actor, now=now, project=project)


def _opened(sealed: bytes | memoryview, place: str) -> bytes:
    try:
        return vault.open_text(bytes(sealed), place=place)
    except CannotOpen:
        raise RuleBroken(_SHUT, "user_data", "sealed") from None


def _both(shown: Revealed) -> tuple[bytes, bytes]:
    return shown.raw, shown.before


def _told(raw: bytes) -> str:
    return f"{len(raw):,} B, sha256 {hashlib.sha256(raw).hexdigest()}"
