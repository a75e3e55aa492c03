"""What a reinstall needs besides the server itself: its image, key pair and KMS key, room for one more disk.

Read at the last look, so that a request which must fail is not sent. What the cloud does not tell holds
nothing up: it judges the request itself. An answer that is well, or none, holds for a minute, for all jobs of
the project: ten thousand servers of one image ask once, also where the cloud refuses to say.
"""

import logging
import time
from collections.abc import Callable

from ecsclient import images, keypairs, kms, volumes
from ecsclient.errors import CloudError, NotFound
from ecsclient.session import CloudSession
from reinstall.domain import verdicts
from reinstall.domain.callversions import version_for
from reinstall.domain.identity import ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.domain.verdicts import ImageState, Level, Verdict
from reinstall.models import Job

log = logging.getLogger(__name__)

GOOD_FOR_S = 60.0
#: (code, sentence): why the request must not be sent; None where nothing speaks against it.
Refusal = tuple[str, str] | None
#: Question -> until when it need not be asked again, on the clock of this process.
_fine: dict[tuple[str, ...], float] = {}
_MOST_KEPT = 10_000


def unmet(job: Job, facts: ServerFacts, session: CloudSession, image_type: str) -> Refusal:
    """What is missing at the cloud for this job. At most four reads; an error of theirs is no refusal."""
    where = (str(job.project_id), str(job.project.credential_version))
    questions: list[tuple[tuple[str, ...], Callable[[], Refusal]]] = [(("quota",), lambda: _no_room(session))]
    if facts.image_id:
        image = facts.image_id
        question = ("image", image, job.call_version, image_type)
        questions.append((question, lambda: _no_image(job, image, session, image_type=image_type)))
    if job.order.keyname:
        pair = (job.order.keyname, job.order.userid)
        questions.append((("key", *pair), lambda: _no_key(*pair, session)))
    if job.order.cmkid:
        questions.append((("kms", job.order.cmkid), lambda: _no_kms_key(job.order.cmkid, session)))
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
    return _refusal(verdicts.room(volumes.room_for_volumes(session)))


def _no_image(job: Job, image_id: str, session: CloudSession, *, image_type: str) -> Refusal:
    image = images.get_image(session, image_id)
    if image is None:
        return _refusal(verdicts.image(job.server_name, image_id, ImageState("", "", image_type, gone=True)))
    if version_for(cloud_init=image.supports_cloud_init) != job.call_version:
        has = "has" if image.supports_cloud_init else "has no"
        return "drift", (
            f"The image of {job.server_name} {has} Cloud-Init, other than when this was asked for, so the "
            f"call decided on ({job.call_version}) is the wrong one. Sync the project and ask again. "
            "Nothing was sent."
        )
    # Of a public image that is listed, the cloud itself says what may be done with it.
    status = "active" if image_type == "gold" else image.status
    return _refusal(verdicts.image(job.server_name, image_id, ImageState(image.name, status, image_type)))


def _no_key(name: str, user_id: str, session: CloudSession) -> Refusal:
    try:
        pair = keypairs.get_keypair(session, name)
    except NotFound:
        return _refusal(verdicts.key_pair_gone(name))
    return _refusal(verdicts.key_pair(name, user_id, frozenset({pair.user_id or ""})))


def _no_kms_key(key_id: str, session: CloudSession) -> Refusal:
    try:
        state = kms.get_key(session, key_id).state
    except NotFound:
        return _refusal(verdicts.kms_key(key_id, None))
    return _refusal(verdicts.kms_key(key_id, state))


def _refusal(verdict: Verdict) -> Refusal:
    """Only what must be put right keeps a request from being sent."""
    if verdict.level is not Level.MUST_FIX:
        return None
    return verdict.code, f"{verdict.sentence} Nothing was sent."
