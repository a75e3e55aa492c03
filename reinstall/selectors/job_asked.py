"""What was asked for a job: the settings of its order, without what is sealed."""

from dataclasses import dataclass

from reinstall.domain.presets import Told, changed_from, labels_of, reference, taken, told_by
from reinstall.models import Job, Order, PresetVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor(Told):
    """What the order asked for. The script itself is never here, only its size and SHA-256; no password is.

    login: keypair, password or script. version: of the call, v1 for an image without Cloud-Init.
    script_kept: whether there is a script, and its days are not over.
    """

    login: str
    script_kept: bool
    version: str
    preset: "AskedPreset | None"

    @property
    def preset_reference(self) -> str:
        """The preset as REST names it, "" for none."""
        return self.preset.reference if self.preset else ""


@dataclass(frozen=True, slots=True)
class AskedPreset:
    """The version of a preset an order used. changed: what was asked for otherwise, in words."""

    slug: str
    number: int
    name: str
    changed: tuple[str, ...]

    @property
    def reference(self) -> str:
        """As forms and REST name it."""
        return reference(self.slug, self.number)


def asked_for(job: Job) -> AskedFor:
    """What was asked for `job`, read with its order."""
    order = job.order
    return AskedFor(
        **taken(Told, order),
        login=_login_of(order),
        script_kept=bool(order.user_data_sealed),
        version=job.call_version,
        preset=_preset_of(order),
    )


def _preset_of(order: Order) -> AskedPreset | None:
    """One query, for orders that used one."""
    if order.preset_version_id is None:
        return None
    rows = PresetVersion.objects.select_related("preset").defer("user_data_sealed")
    version = rows.get(pk=order.preset_version_id)
    changed = labels_of(changed_from(told_by(version), told_by(order)))
    return AskedPreset(version.preset.slug, version.number, version.preset.name, changed)


def _login_of(order: Order) -> str:
    """How people sign in after the reinstall."""
    if order.password_set:
        return "password"
    return "keypair" if order.keyname else "script"
