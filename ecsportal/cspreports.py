"""Where browsers report what the content security policy has stopped: one line in the log for each, no more.

Anybody may send anything here, so nothing of it is stored, and what is logged is cut to what a policy names:
no query strings, in which there may be words people searched for, and no samples of code.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

log = logging.getLogger(__name__)

MAX_BYTES = 16 * 1024
#: Reports of one request that are looked at; browsers bundle them.
MAX_REPORTS = 10
#: Lines a minute in each process; beyond that they are counted, and the count is logged.
LINES_PER_MINUTE = 30
_LONGEST = 200


@dataclass
class Meter:
    """So many in each minute; `passed_over` counts the others until it is asked for."""

    most: int
    minute: int = -1
    used: int = 0
    passed_over: int = 0

    def __post_init__(self) -> None:
        self._lock = Lock()

    def takes(self, now: float) -> tuple[bool, int]:
        """Whether one more is within the limit, and, once in a minute, how many were not in earlier ones."""
        with self._lock:
            before = 0
            if int(now // 60) != self.minute:
                before, self.passed_over = self.passed_over, 0
                self.minute, self.used = int(now // 60), 0
            self.used += 1
            within = self.used <= self.most
            self.passed_over += not within
            return within, before


_meter = Meter(LINES_PER_MINUTE)


@csrf_exempt
@login_not_required
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """204 whatever is sent: a browser does nothing else with an answer, and nobody else needs one."""
    for report in _reports(request):
        within, passed_over = _meter.takes(time.monotonic())
        if passed_over:
            log.warning("csp reports passed over: %d", passed_over)
        if within:
            log.warning("csp violation", extra=report)
    return HttpResponse(status=204)


def _reports(request: HttpRequest) -> Iterator[dict[str, str]]:
    """What is a report in the body, by both the older and the newer form of reports."""
    # Read, not request.body: the length is what is there, whatever the header says.
    raw = request.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return
    bodies = document if isinstance(document, list) else [document]
    for one in bodies[:MAX_REPORTS]:
        body = (one.get("csp-report") or one.get("body")) if isinstance(one, dict) else None
        if isinstance(body, dict):
            yield _line(body)


def _line(body: dict[str, Any]) -> dict[str, str]:
    return {
        "directive": _text(
            body.get("effective-directive")
            or body.get("violated-directive")
            or body.get("effectiveDirective")
        ),
        "blocked": _place(body.get("blocked-uri") or body.get("blockedURL")),
        "page": _place(body.get("document-uri") or body.get("documentURL")),
        "source": _place(body.get("source-file") or body.get("sourceFile")),
        "at_line": _text(body.get("line-number") or body.get("lineNumber")),
    }


def _text(value: object) -> str:
    return str(value)[:_LONGEST] if isinstance(value, str | int) else ""


def _place(value: object) -> str:
    """An address without what may be a secret in it: no query, no fragment, no user."""
    try:
        parts = urlsplit(_text(value))
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    if not parts.scheme or not host:
        # "inline", "eval", "data"
        return parts.path if parts.path.isalpha() else parts.scheme
    return f"{parts.scheme}://{host}{parts.path}"[:_LONGEST]
