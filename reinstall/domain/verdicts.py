"""What speaks for or against a reinstall, judged the same way wherever it was read from.

The form, a dry run and the engine's last look ask these questions at different times and of different
sources: rows of the last sync, answers of the cloud a moment ago. What an answer means is said here, once.
"""

from dataclasses import dataclass
from enum import StrEnum

from reinstall.domain.redaction import plain_text


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement. code: what ends a job that must not be sent; sentence: what is, what would be right."""

    level: Level
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ImageState:
    """An image as read. status active, queued, saving, deleted or killed; image_type gold (public), private
    or shared, "" where nobody said."""

    name: str
    status: str
    image_type: str
    gone: bool = False
    cloud_init: bool = True


#: States of a server, as the cloud spells them, in which it can be reinstalled.
FIT_STATES = ("ACTIVE", "SHUTOFF", "ERROR")


def image(server: str, image_id: str, found: ImageState) -> Verdict:
    """Whether the image `server` was made from can be written to its disk again: no other one is taken."""
    named = found.name or image_id
    if found.gone and found.image_type == "gold":
        # Withdrawn public images are not listed any more, and are often still there for a reinstall.
        return Verdict(
            Level.TO_KNOW,
            "image_withdrawn",
            f"The public image {named} is not offered any more. The cloud may still take it for a reinstall, "
            "or refuse.",
        )
    if found.gone:
        return Verdict(
            Level.MUST_FIX,
            "image_gone",
            f"The image that {server} was made from is not at the cloud any more ({image_id}). "
            "A reinstall takes no other image; change the OS at the cloud instead.",
        )
    if found.status not in ("", "active"):
        status = plain_text(found.status, 40)
        sentence = f"The image of {server} is {status}, not active. Wait until it is, or restore it."
        return Verdict(Level.MUST_FIX, "image_state", sentence)
    return Verdict(Level.PASSED, "", f"The original image {named} is still there.")


def room(disks: int | None) -> Verdict:
    """`disks`: how many more disks the project may have, None without a limit."""
    if disks is None:
        return Verdict(Level.PASSED, "", "The project has no limit of disks that is known.")
    if disks > 0:
        left = "1 more disk" if disks == 1 else f"{disks:,} more disks"
        return Verdict(Level.PASSED, "", f"The project's quota has room for {left}.")
    return Verdict(
        Level.MUST_FIX,
        "quota",
        "The project's quota of disks is used up; a reinstall needs room for one more while it swaps them. "
        "Raise the quota or delete a disk, then ask again.",
    )


def key_pair_gone(name: str) -> Verdict:
    """A key pair the cloud does not know."""
    return Verdict(
        Level.MUST_FIX,
        "key_pair_gone",
        f"The key pair {name} is not at the cloud any more, so nobody could sign in afterwards. "
        "Choose another.",
    )


def key_pair(name: str, userid: str, owners: frozenset[str]) -> Verdict:
    """`owners`: the cloud users that have a key pair of that name; "" where the cloud does not say."""
    if owners == {""}:
        sentence = "The key pair exists; the cloud does not say to this portal which user it belongs to."
        return Verdict(Level.TO_KNOW, "", sentence)
    if userid in owners:
        return Verdict(Level.PASSED, "", "The key pair exists for this user ID.")
    return Verdict(
        Level.MUST_FIX,
        "key_pair",
        f"The key pair {name} does not belong to user {userid}; its owner is {', '.join(sorted(owners))}.",
    )


#: States of a KMS key (Key Management Service API reference, "Querying the List of CMKs").
KMS_STATES = {
    1: "waiting to be activated",
    2: "enabled",
    3: "disabled",
    4: "scheduled for deletion",
    5: "waiting for its material",
}
ENABLED = 2


def kms_key(named: str, state: int | None) -> Verdict:
    """`state`: as the cloud numbers them; None: there is no such key."""
    if state is None:
        return Verdict(
            Level.MUST_FIX, "kms_key", f"There is no KMS key {named} in this project. Choose another."
        )
    if state != ENABLED:
        word = KMS_STATES.get(state, f"in state {state}")
        return Verdict(
            Level.MUST_FIX,
            "kms_key",
            f"The KMS key {named} is {word}. Choose an enabled one, or enable it at the cloud.",
        )
    return Verdict(Level.PASSED, "", "The KMS key is enabled.")


def encryption(*, now_encrypted: bool, cmkid: str, asked: bool | None, can_ask: bool) -> Verdict:
    """Whether an encrypted system disk would silently come back in clear text.

    Absent means "not encrypted" in one page of the documents and "as the source" in another.
    """
    if asked is True:
        return Verdict(Level.PASSED, "", "The new system disk will be encrypted.")
    if not now_encrypted:
        return Verdict(Level.PASSED, "", "The system disk is not encrypted now, so no encryption is lost.")
    key = f" with KMS key {cmkid}" if cmkid else ""
    if asked is False:
        sentence = f"The system disk is encrypted now{key}; the new one will not be, as chosen here."
        return Verdict(Level.TO_KNOW, "encryption_lost", sentence)
    if not can_ask:
        return Verdict(
            Level.TO_KNOW,
            "encryption_lost",
            f"The system disk is encrypted now{key}. This cloud takes no word on encryption with a "
            "reinstall: the new one may come back in clear text.",
        )
    return Verdict(
        Level.MUST_FIX,
        "encryption_lost",
        f"The system disk is encrypted now{key}. Left out, the new one may come back in clear text. "
        "Choose to encrypt it, or choose not to.",
    )


def snapshots(count: int | None) -> Verdict:
    """`count`: snapshots of the system disk; None where the cloud did not tell."""
    if count is None:
        return Verdict(
            Level.TO_KNOW,
            "",
            "Whether the system disk has snapshots is not known here; they would be deleted with it.",
        )
    if not count:
        return Verdict(Level.PASSED, "", "The system disk has no snapshots that would be lost.")
    some = "1 snapshot of the system disk is" if count == 1 else f"{count:,} snapshots of the system disk are"
    return Verdict(Level.TO_KNOW, "", f"{some} deleted with it. Snapshots of data disks stay.")
