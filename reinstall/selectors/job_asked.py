"""What was asked for a job: the settings of its order, without what is sealed."""

from dataclasses import dataclass

from reinstall.domain.presets import Settings, changed_from, labels_of, reference
from reinstall.models import Job, Order, PresetVersion


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What the order asked for. The script itself is never here, only its size and SHA-256; no password is.

    login: keypair, password or script. version: of the call, v1 for an image without Cloud-Init.
    """

    keyname: str
    userid: str
    mode: str
    byol: bool
    encrypted: bool | None
    cmkid: str
    user_data_bytes: int
    user_data_sha256: str
    login: str
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
        order.keyname,
        order.userid,
        order.mode,
        order.byol,
        order.encrypted,
        order.cmkid,
        order.user_data_bytes,
        order.user_data_sha256,
        _login_of(order),
        job.call_version,
        _preset_of(order),
    )


def _preset_of(order: Order) -> AskedPreset | None:
    """One query, for orders that used one; scripts are compared by their SHA-256."""
    if order.preset_version_id is None:
        return None
    rows = PresetVersion.objects.select_related("preset").defer("user_data_sealed")
    version = rows.get(pk=order.preset_version_id)
    asked = Settings(
        keyname=order.keyname,
        userid=order.userid,
        mode=order.mode,
        byol=order.byol,
        encrypted=order.encrypted,
        cmkid=order.cmkid,
    )
    script = ("user_data",) if version.user_data_sha256 != order.user_data_sha256 else ()
    changed = labels_of((*changed_from(version.settings, asked), *script))
    return AskedPreset(version.preset.slug, version.number, version.preset.name, changed)


def _login_of(order: Order) -> str:
    """How people sign in after the reinstall."""
    if order.password_set:
        return "password"
    return "keypair" if order.keyname else "script"
