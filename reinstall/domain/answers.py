"""What an answer of the cloud to the reinstall call means: an allow-list, as data.

The status line alone lies in both directions (HTTP 400 Ecs.1002 may have been accepted, HTTP 202 Common.0024
was not), so only listed pairs of status and code are "definitely not accepted". Whatever is not listed is
unknown, and an unknown is never sent again. Sources: the ECS error code appendix, the API signing guide, the
pages on jobs and responses.
"""

import json
import math
import re
from dataclasses import dataclass
from enum import StrEnum

from reinstall.domain.states import Verdict


class Sending(StrEnum):
    """How far the one request got."""

    NEW = "new"
    CONNECTED = "connected"
    SENDING = "sending"
    SENT = "sent"
    HEADERS = "headers"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Observation:
    """What the transport saw of the one call.

    `code` and `message` are the innermost error of the body, `codes` all of them from the outermost on.
    """

    phase: Sending
    status: int | None = None
    content_type: str = ""
    body: bytes = b""
    complete: bool = False
    code: str = ""
    message: str = ""
    codes: tuple[str, ...] = ()
    error: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """The verdict on an attempt. `wait_s`: do not try again sooner. `why` is a sentence for the job page."""

    verdict: Verdict
    why: str
    cloud_job_id: str = ""
    code: str = ""
    wait_s: float = 0.0


#: The gateway turned the call away before the service saw it.
THROTTLED_CODES = frozenset({"Common.1503", "APIGW.0308", "APIG.0308"})
#: With HTTP 404: the cloud has no such server.
MISSING_CODES = frozenset({"Ecs.0614", "Ecs.0114"})
#: The gateway did not believe the signature or the token.
AUTH_CODES = frozenset(
    {"Common.0013", "APIGW.0301", "APIGW.0302", "APIGW.0303", "APIG.0301", "APIG.0302", "APIG.0303"}
)
#: With HTTP 400 these say "no", and nothing was started.
REJECTED_CODES = frozenset(
    {
        "Ecs.0005",
        "Ecs.0007",
        "Ecs.0011",
        "Ecs.0021",
        "Ecs.0025",
        "Ecs.0030",
        "Ecs.0031",
        "Ecs.0032",
        "Ecs.0034",
        "Ecs.0048",
        "Ecs.0066",
        "Ecs.0067",
        "Ecs.0068",
        "Ecs.0069",
        "Ecs.0070",
        "Ecs.0071",
        "Ecs.0090",
        "Ecs.0100",
        "Ecs.0110",
        "Ecs.0114",
        "Ecs.0119",
        "Ecs.0314",
        "Ecs.0605",
        "Ecs.0614",
        "Ecs.0912",
        "Common.0002",
        "Common.0018",
    }
)
#: With one of these anywhere in it an answer decides nothing: the service may have started all the same.
AMBIGUOUS_CODES = frozenset(
    {
        "Ecs.0000",
        "Ecs.0002",
        "Ecs.0603",
        "Ecs.1000",
        "Ecs.1001",
        "Ecs.1002",
        "Ecs.1100",
        "Ecs.1200",
        "Ecs.1201",
        "Ecs.1300",
        "Common.0001",
        "Common.0020",
        "Common.0021",
        "Common.0022",
        "Common.0025",
        "Common.0999",
    }
)
MAX_WAIT_S = 600.0
_JOB_ID = re.compile(r"[0-9a-zA-Z-]{8,64}")
#: A code of the cloud or its gateway, as against the bare status of a proxy's page.
_CLOUD_CODE = re.compile(r"[A-Za-z]{2,12}\.\d{1,6}")


def read_answer(seen: Observation) -> Meaning:
    """The one verdict on `seen`; total: every observation has one."""
    if seen.phase in (Sending.NEW, Sending.CONNECTED):
        return Meaning(
            Verdict.NOT_SENT, f"The request did not leave this portal: {seen.error or 'no connection'}."
        )
    if seen.phase is not Sending.COMPLETE or not seen.complete or seen.status is None:
        return Meaning(Verdict.UNKNOWN, "The request went out, but no complete answer came back.")
    if seen.status in (200, 202, 204):
        return _read_success(seen)
    return _read_refusal(seen, seen.status)


def _read_success(seen: Observation) -> Meaning:
    payload = _json_object(seen)
    job_id = payload.get("job_id") if payload is not None else None
    if seen.status != 204 and isinstance(job_id, str) and _JOB_ID.fullmatch(job_id):
        return Meaning(Verdict.ACCEPTED, "The cloud accepted the request.", cloud_job_id=job_id)
    # Readable, and certainly without a job id: "the flow limit" may be sent again only then.
    if seen.status == 202 and seen.code == "Common.0024" and payload is not None and "job_id" not in payload:
        return Meaning(
            Verdict.THROTTLED,
            "The cloud is over its flow limit and did not take the request.",
            "",
            seen.code,
            _wait(seen),
        )
    return Meaning(
        Verdict.UNKNOWN,
        f"The cloud answered {seen.status} without a job id that can be followed.",
        code=seen.code,
    )


def _read_refusal(seen: Observation, status: int) -> Meaning:
    said = f"The cloud answered {status} {seen.code}: {seen.message}".rstrip(": ")
    verdict = _refusal_verdict(seen, status)
    if verdict is Verdict.THROTTLED:
        return Meaning(verdict, said, "", seen.code, _wait(seen))
    if verdict is not None:
        return Meaning(verdict, said, code=seen.code)
    return Meaning(
        Verdict.UNKNOWN, f"{said}. That does not say whether the request was taken.", code=seen.code
    )


def _refusal_verdict(seen: Observation, status: int) -> Verdict | None:
    """The verdict listed for status and code; None for others, and for what is not the cloud's word."""
    payload = _json_object(seen)
    if payload is None or "job_id" in payload:
        return None
    codes = {seen.code, *seen.codes}
    if codes & AMBIGUOUS_CODES:
        return None
    listed = {
        429: (Verdict.THROTTLED, seen.code in THROTTLED_CODES),
        401: (Verdict.AUTH_REFUSED, seen.code in AUTH_CODES),
        403: (Verdict.REJECTED, bool(_CLOUD_CODE.fullmatch(seen.code))),
        404: (Verdict.REJECTED, seen.code in MISSING_CODES),
        400: (Verdict.REJECTED, bool(codes & REJECTED_CODES)),
    }
    verdict, holds = listed.get(status, (Verdict.UNKNOWN, False))
    return verdict if holds else None


def _wait(seen: Observation) -> float:
    """Seconds the cloud asked for, at most ten minutes; 5 where it named none (the FAQ advises 2 to 5)."""
    asked = seen.retry_after_s
    return min(max(5.0 if asked is None or math.isnan(asked) else asked, 1.0), MAX_WAIT_S)


def _json_object(seen: Observation) -> dict[str, object] | None:
    """The body, if it is one JSON object in plain UTF-8 and said to be JSON; else None."""
    if "json" not in seen.content_type.lower():
        return None
    try:
        # Decoded here: the reader of bytes would guess other encodings, and skip a byte order mark.
        value = json.loads(seen.body.decode(), object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two keys of one name could be read either way, so such a body says nothing."""
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("duplicate key")
    return dict(pairs)
