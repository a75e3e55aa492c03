"""Presets: made, changed by adding a version, retired, and opened for an order.

A version is never changed. Its script is sealed; it is opened for people who may request reinstalls in the
project, since they are the ones it is sent for.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, FieldError, NotFound, RuleBroken
from reinstall.domain.presets import Settings, Told, differing, taken, told_by, with_script
from reinstall.domain.redaction import plain_text
from reinstall.domain.spec import ReinstallSpec
from reinstall.models import Preset, PresetVersion, Project
from reinstall.services import access, history, links, proof, vault
from reinstall.services.clouds import is_line

MAX_NOTE = 500
STALE = "stale"
#: Pages of the portal live beside presets under these names.
_TAKEN_SLUGS = {"new", "check"}
#: What "a script that sets up the login" stands in for: a preset may leave the login open.
_OPEN = ("keyname", "required")


def create_preset(
    *, actor: Actor, now: datetime, project: str, name: str, settings: Settings, note: str = ""
) -> PresetVersion:
    """A new preset with its version 1. Raises RuleBroken naming each field, NotFound, NotAllowed."""
    found = access.project_for_requests(actor, project)
    proof.must_have_second_factor(actor, found)
    errors = [*_name_errors(name), *_errors(found, settings, note)]
    if errors:
        raise RuleBroken.of(errors)
    try:
        with transaction.atomic():
            preset = Preset.objects.create(
                project=found,
                slug=_free_slug(name),
                name=name,
                created_at=now,
                created_by_name=actor.name[:150],
            )
            version = _store(_Change(actor, now, settings, note), preset, 1)
            _record(actor, now, preset, "preset.created", after=_facts(version))
    except IntegrityError:
        raise RuleBroken(
            f"There is a preset {name} in {found.name} already; change it, or take another name.",
            "name",
            "taken",
        ) from None
    return version


def add_version(
    *, actor: Actor, now: datetime, slug: str, base: int, settings: Settings, note: str = ""
) -> PresetVersion:
    """The next version of a preset. base: the newest one the person saw.

    Raises Conflict (code "stale") where there is a newer one, RuleBroken naming each field, NotFound,
    NotAllowed.
    """
    preset = _to_change(actor, slug)
    if preset.retired_at is not None:
        raise Conflict(f"{preset.name} is retired. Bring it back before it is changed.", code="retired")
    errors = _errors(preset.project, settings, note)
    if errors:
        raise RuleBroken.of(errors)
    newest = preset.versions.get(number=preset.latest)
    if base == preset.latest and not differing(told_by(newest), settings):
        raise RuleBroken(f"Nothing is different from version {preset.latest}.", "", "unchanged")
    with transaction.atomic():
        same = Preset.objects.filter(pk=preset.pk, latest=base, retired_at=None)
        if not same.update(latest=base + 1):
            preset.refresh_from_db()
            raise Conflict(
                f"{preset.name} has version {preset.latest} since you opened version {base}. "
                "Nothing was saved.",
                code=STALE,
            )
        preset.latest = base + 1
        version = _store(_Change(actor, now, settings, note), preset, base + 1)
        _record(actor, now, preset, "preset.changed", before=_facts(newest), after=_facts(version))
    return version


def retire_preset(*, actor: Actor, now: datetime, slug: str) -> Preset:
    """Takes a preset out of the lists to choose from; what used it keeps its version. Twice is once."""
    return _set_retired(actor, now, slug, now)


def restore_preset(*, actor: Actor, now: datetime, slug: str) -> Preset:
    """Brings a retired preset back. Raises Conflict where its name was taken meanwhile."""
    return _set_retired(actor, now, slug, None)


def _set_retired(actor: Actor, now: datetime, slug: str, retired_at: datetime | None) -> Preset:
    preset = _to_change(actor, slug)
    if (preset.retired_at is None) == (retired_at is None):
        return preset
    by = actor.name[:150] if retired_at else ""
    before = {"retired": retired_at is None}
    try:
        with transaction.atomic():
            Preset.objects.filter(pk=preset.pk).update(retired_at=retired_at, retired_by_name=by)
            action = "preset.retired" if retired_at else "preset.restored"
            _record(actor, now, preset, action, before=before, after={"retired": not before["retired"]})
    except IntegrityError:
        raise Conflict(f"There is another preset {preset.name} now. Retire that one first.") from None
    preset.refresh_from_db()
    return preset


def delete_preset(*, actor: Actor, now: datetime, slug: str) -> Preset:
    """Deletes a preset no order ever used. Raises Conflict for one that was used: it can be retired."""
    preset = _to_change(actor, slug)
    try:
        with transaction.atomic():
            _record(actor, now, preset, "preset.deleted", before={"latest": preset.latest})
            Preset.objects.filter(pk=preset.pk).delete()
    except (ProtectedError, IntegrityError):
        # The second where an order is placed with it right now.
        raise Conflict(
            f"{preset.name} was used; retire it instead. What used it must stay readable."
        ) from None
    return preset


def script_place(version: PresetVersion) -> str:
    """What a version's script is sealed for."""
    return f"preset_version:user_data:{version.pk}"


def open_settings(version: PresetVersion) -> Settings:
    """What a version says, its script opened; for those who may request. Raises CannotOpen."""
    script = vault.open_text(bytes(version.user_data_sealed), place=script_place(version))
    return with_script(version, script)


def _to_change(actor: Actor, slug: str) -> Preset:
    visible = Project.objects.visible_to(actor).values("pk")
    preset = Preset.objects.select_related("project__cloud").filter(project__in=visible, slug=slug).first()
    if preset is None:
        raise NotFound(f"There is no preset {slug}.")
    access.project_for_requests(actor, preset.project.slug)
    proof.must_have_second_factor(actor, preset.project)
    return preset


def _free_slug(name: str) -> str:
    """The name as an address; one that is taken gets a number."""
    base = slugify(name)[:50]
    taken = set(Preset.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | _TAKEN_SLUGS
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


def _name_errors(name: str) -> list[FieldError]:
    if not is_line(name):
        return [FieldError("name", "Give the preset a name: a line of 1 to 60 characters.", "required")]
    if not slugify(name):
        return [FieldError("name", "The name needs a letter A to Z or a digit.", "format")]
    return []


def _errors(project: Project, settings: Settings, note: str) -> list[FieldError]:
    errors = []
    if len(note) > MAX_NOTE or plain_text(note, len(note)) != note:
        errors.append(FieldError("note", f"The note is plain text of at most {MAX_NOTE} characters."))
    if settings.userid and not settings.keyname:
        sentence = "A user ID goes with a key pair; choose the key pair too, or leave both out."
        errors.append(FieldError("userid", sentence, "unused"))
    try:
        ReinstallSpec(**asdict(settings), limits=links.limits_of(project))
    except RuleBroken as broken:
        errors += [error for error in broken.errors if (error.field, error.code) != _OPEN]
    return errors


@dataclass(frozen=True, slots=True)
class _Change:
    """Who says what, when, and why."""

    actor: Actor
    now: datetime
    settings: Settings
    note: str


def _store(change: _Change, preset: Preset, number: int) -> PresetVersion:
    script = change.settings.user_data
    version = PresetVersion.objects.create(
        preset=preset,
        number=number,
        **taken(Told, change.settings),
        note=change.note.strip(),
        created_at=change.now,
        created_by_name=change.actor.name[:150],
    )
    version.user_data_sealed = vault.seal_text(script, place=script_place(version))
    version.save(update_fields=["user_data_sealed"])
    return version


def _facts(version: PresetVersion) -> dict[str, Any]:
    """A version for the audit log: all but the script itself."""
    return {
        "version": version.number,
        "keyname": version.keyname,
        "userid": version.userid,
        "mode": version.mode,
        "byol": version.byol,
        "encrypted": version.encrypted,
        "cmkid": version.cmkid,
        "user_data": f"{version.user_data_bytes:,} B, sha256 {version.user_data_sha256}"
        if version.user_data_bytes
        else "",
        "note": version.note,
    }


def _record(
    actor: Actor,
    now: datetime,
    preset: Preset,
    action: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    act = history.Act(
        action=action,
        object_type="preset",
        object_id=preset.slug,
        object_label=preset.name,
        project_slug=preset.project.slug,
        before=before or {},
        after=after or {},
    )
    history.record(actor=actor, now=now, act=act)
