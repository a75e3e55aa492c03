"""What a reinstall needs besides the server itself: its image, the key pair, room for one more disk.

Read at the last look, so that a request which must fail is not sent. What the cloud does not tell holds
nothing up: it judges the request itself. An answer that is well, or none, holds for a minute, for all jobs of
the project: ten thousand servers of one image ask once, also where the cloud refuses to say.
"""

import logging
import time
from collections.abc import Callable

from ecsclient import images, keypairs, volumes
from ecsclient.errors import CloudError, NotFound
from ecsclient.session import CloudSession
from reinstall.domain.callversions import version_for
from reinstall.domain.identity import ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.models import Job

log = logging.getLogger(__name__)

GOOD_FOR_S = 60.0
#: (code, sentence): why the request must not be sent; None where nothing speaks against it.
Refusal = tuple[str, str] | None
#: Question -> until when it need not be asked again, on the clock of this process.
_fine: dict[tuple[str, ...], float] = {}
_MOST_KEPT = 10_000


def unmet(job: Job, facts: ServerFacts, session: CloudSession, image_type: str) -> Refusal:
    """What is missing at the cloud for this job. At most three reads; an error of theirs is no refusal."""
    where = (str(job.project_id), str(job.project.credential_version))
    questions: list[tuple[tuple[str, ...], Callable[[], Refusal]]] = [(("quota",), lambda: _no_room(session))]
    if facts.image_id:
        # A public image that was withdrawn is not listed any more, and may still be there for a reinstall.
        image, listed = facts.image_id, image_type != "gold"
        question = ("image", image, job.call_version, str(listed))
        questions.append((question, lambda: _no_image(job, image, session, listed=listed)))
    if job.order.keyname:
        pair = (job.order.keyname, job.order.userid)
        questions.append((("key", *pair), lambda: _no_key(*pair, session)))
    answers = (_asked((*question, *where), ask) for question, ask in questions)
    return next((refusal for refusal in answers if refusal is not None), None)


def forget() -> None:
    """Asks everything anew (tests)."""
    _fine.clear()


def _asked(question: tuple[str, ...], ask: Callable[[], Refusal]) -> Refusal:
    now = time.monotonic()
    if _fine.get(question, 0.0) > now:
        return None
    try:
        refusal = ask()
    except CloudError as error:
        log.info("%s could not be read before a call: %s", question[0], plain_text(str(error), 200))
        refusal = None
    if refusal is None:
        if len(_fine) >= _MOST_KEPT:
            _fine.clear()
        _fine[question] = now + GOOD_FOR_S
    return refusal


def _no_room(session: CloudSession) -> Refusal:
    room = volumes.room_for_volumes(session)
    if room is None or room > 0:
        return None
    sentence = (
        "The project's quota of disks is used up; a reinstall needs room for one more while it swaps them."
    )
    return "quota", f"{sentence} Raise the quota or delete a disk, then ask again. Nothing was sent."


def _no_image(job: Job, image_id: str, session: CloudSession, *, listed: bool) -> Refusal:
    """`listed`: an image like this is at the cloud only while it is listed."""
    image = images.get_image(session, image_id)
    if image is None and not listed:
        return None
    if image is None:
        return "image_gone", (
            f"The image that {job.server_name} was made from is not at the cloud any more ({image_id}). "
            "A reinstall takes no other image. Nothing was sent."
        )
    if version_for(cloud_init=image.supports_cloud_init) != job.call_version:
        has = "has" if image.supports_cloud_init else "has no"
        return "drift", (
            f"The image of {job.server_name} {has} Cloud-Init, other than when this was asked for, so the "
            f"call decided on ({job.call_version}) is the wrong one. Sync the project and ask again. "
            "Nothing was sent."
        )
    if listed and image.status not in ("", "active"):
        status = plain_text(image.status, 40)
        return "image_state", f"The image of {job.server_name} is {status}, not active. Nothing was sent."
    return None


def _no_key(name: str, user_id: str, session: CloudSession) -> Refusal:
    try:
        pair = keypairs.get_keypair(session, name)
    except NotFound:
        return "key_pair_gone", (
            f"The key pair {name} is not at the cloud any more, so nobody could sign in afterwards. "
            "Choose another. Nothing was sent."
        )
    if pair.user_id and user_id and pair.user_id != user_id:
        return "key_pair", f"The key pair {name} belongs to user {pair.user_id} now. Nothing was sent."
    return None
