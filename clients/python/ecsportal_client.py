"""The REST interface of ecsportal in one file: a typed client, and a command line for scripts.

Needs Python 3.11 or newer and requests, nothing else. Written by `make client` of ecsportal from its OpenAPI
document and nothing else; do not change it by hand.

    from ecsportal_client import Portal

    portal = Portal("https://portal.example.com", token)
    order = portal.order({"project": "shop-prod", "servers": [...], "spec": {...}, "confirm": "web-prod-11"})
    jobs = portal.wait_for_order(order["id"], timeout_s=3600)

As a program: `python ecsportal_client.py --help`, or `ecsportal-cli` once it is installed.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, NotRequired, TypedDict, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import requests
from requests.auth import AuthBase

#: Of the interface this was written for.
VERSION = "1"
#: Answers after which the same request may be sent again: nothing was done, or it may be done twice.
_PASSING = frozenset({429, 502, 503, 504})
_CONNECT_S, _READ_S = 5.0, 60.0
_LONGEST_PAUSE_S = 10.0


class PortalError(Exception):
    """Anything that keeps a call from its answer. passing: the same call may work a little later."""

    passing = False


class NotReachable(PortalError):
    """No answer came, or none of this portal's. Whether a change was made cannot be known from it."""

    passing = True


class TimeOver(PortalError):
    """What was waited for did not come in time; the portal goes on with it."""


class Problem(PortalError):
    """The portal said no: an RFC 9457 problem document.

    kind: the last part of its type, like "rule-broken". errors: what is wrong, field by field. request_id:
    names this request in the portal's log and audit history. job: the job that holds a server, if one does.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.status = status
        self.kind = str(document.get("type", "")).rpartition(":")[2]
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", "") or f"The portal answered {status}.")
        self.request_id = str(document.get("request_id", ""))
        self.errors: list[ProblemError] = list(document.get("errors", []))
        self.job: int | None = document.get("job")
        self.retry_after_s = retry_after_s
        self.passing = status in _PASSING or self.kind == "in-progress"
        super().__init__(self.detail)


@dataclass(frozen=True)
class Event:
    """One server-sent event: its name, and its data as text."""

    name: str
    data: str


class _Bearer(AuthBase):
    """The token, whatever a .netrc file says."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _no_note(_: str) -> None:
    pass


class Transport:
    """Sends calls, and sends again what may be sent again, for `patience_s` seconds.

    Reading is repeated when no answer came, and after 429, 502, 503 and 504, as late as Retry-After says. So
    are orders, with the same Idempotency-Key: that never makes a second order. Anything else is sent once.
    `note` is told of each repetition. Not for several threads at once: give each its own.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience_s: float = 60.0,
        note: Callable[[str], None] = _no_note,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = _base_of(url)
        self.patience_s = patience_s
        self._note, self._sleep = note, sleep
        self._session = requests.Session()
        self._session.auth = _Bearer(_token_of(token))
        self._session.headers["User-Agent"] = f"ecsportal-client/{VERSION}"

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Any:
        """The body of a good answer; None where it has none. Raises Problem or NotReachable."""
        given = {name: value for name, value in (headers or {}).items() if value is not None}
        answer = self._send(method, path, query, body, given)
        if answer.status_code == 204 or not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise NotReachable(f"{self.url} answered with something else than JSON.") from None

    def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> requests.Response:
        repeats = method == "GET" or "Idempotency-Key" in headers
        deadline = time.monotonic() + self.patience_s
        for number in itertools.count():
            try:
                return self._once(method, path, query, body, headers)
            except PortalError as error:
                pause = _pause(error, number)
                if not (repeats and error.passing) or time.monotonic() + pause > deadline:
                    raise
                self._note(f"{error} Trying again in {pause:.0f} s.")
                self._sleep(pause)
        raise AssertionError("never reached")

    def _once(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                self.url + path,
                params={name: value for name, value in (query or {}).items() if value is not None},
                json=body,
                headers=headers,
                timeout=(_CONNECT_S, _READ_S),
                # A token is for this portal only, and a redirected POST becomes a GET.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            lost = NotReachable(f"{self.url} does not answer ({type(error).__name__}).")
            # A certificate that is not trusted is not trusted a second later.
            lost.passing = not isinstance(error, requests.exceptions.SSLError)
            raise lost from error
        if answer.status_code >= 300:
            raise _problem_in(answer)
        return answer

    def _pages(self, path: str, query: dict[str, Any]) -> Iterator[Any]:
        """The rows of all pages, each page fetched when its first row is asked for."""
        while True:
            page = self._json("GET", path, query=query)
            yield from page["results"]
            if not page["next"]:
                return
            # Only the cursor is taken: a proxy may have told the portal another address than ours.
            query = {**query, "cursor": parse_qs(urlsplit(page["next"]).query)["cursor"][0]}

    def _events(self, path: str) -> Iterator[Event]:
        """Server-sent events, until the portal ends them. Raises NotReachable when they break off."""
        try:
            with self._session.get(
                self.url + path, stream=True, timeout=(_CONNECT_S, _READ_S), allow_redirects=False
            ) as answer:
                if answer.status_code >= 300:
                    raise _problem_in(answer)
                name = ""
                for line in answer.iter_lines(decode_unicode=True):
                    field, _, value = line.partition(": ")
                    if field == "event":
                        name = value
                    elif field == "data":
                        yield Event(name, value)
        except requests.RequestException as error:
            raise NotReachable(f"{self.url} broke off ({type(error).__name__}).") from error


def _base_of(url: str) -> str:
    """https://host, with the path the portal stands at, if any. Raises ValueError for what is no URL."""
    base = url.strip().rstrip("/").removesuffix("/api/v1")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in parts.netloc:
        raise ValueError(f"{url!r} is not the address of a portal; write https://portal.example.com")
    return base


def _token_of(token: str) -> str:
    found = token.strip()
    if not found or not found.isascii() or not found.isprintable() or " " in found:
        raise ValueError("this is not a token; copy all of it, ecsp_ and 43 characters")
    return found


def _pause(error: PortalError, number: int) -> float:
    """Seconds to wait before the call is repeated for the `number`th time, from 0."""
    asked = error.retry_after_s if isinstance(error, Problem) else None
    if asked is not None:
        return asked
    return min(0.5 * 2.0 ** min(number, 10), _LONGEST_PAUSE_S) * random.uniform(0.7, 1.3)


def _problem_in(answer: requests.Response) -> Problem:
    try:
        document = answer.json()
    except ValueError:
        document = {}
    later = answer.headers.get("Retry-After", "")
    return Problem(
        answer.status_code,
        document if isinstance(document, dict) else {},
        float(later) if later.isascii() and later.isdigit() else None,
    )


def _path(template: str, **values: object) -> str:
    return template.format(**{name: quote(str(value), safe="") for name, value in values.items()})


class ProblemError(TypedDict):
    """One thing that is wrong."""

    field: str
    code: str
    message: str


class After(TypedDict):
    """What is to know once it has succeeded."""

    #: Until then the login is still being written.
    leave_alone_until: str
    #: What known_hosts files may call the server; its host keys are new: `ssh-keygen -R` each.
    ssh_known_hosts: list[str]
    changes: list[Change]


class Answer(TypedDict):
    """What came back, redacted; `phase` is how far the call got."""

    phase: str
    status: int | None
    code: str
    message: str
    request_id: str
    body: str
    error: str
    at: str | None


class Approval(TypedDict):
    """One order, and whether a second person agreed to exactly that."""

    id: int
    order: int
    project: str
    #: open, or how it ended; void: something changed, it counts no more.
    state: Literal["open", "approved", "overridden", "declined", "withdrawn", "expired", "void"]
    requested_by: str
    reason: str
    #: slug@version of the preset in use, empty for none.
    preset: str
    #: How many servers the order is for.
    servers: int
    #: The first three of them.
    names: list[str]
    #: What an agreement is bound to.
    request_hash: str
    asked_at: str
    #: Until when somebody may agree.
    expires_at: str
    ended_by: str
    ended_at: str | None
    end_reason: str
    #: What changed after somebody had agreed.
    void_reason: str
    #: Until when the call may rest on it.
    good_until: str | None
    override: Override | None
    #: What you may do with it; nothing for a token.
    decisions: list[Literal["approve", "decline", "withdraw", "override"]]


class AskedFor(TypedDict):
    """What the order asked for; the script only as size and SHA-256."""

    keyname: str
    userid: str
    mode: str
    byol: bool
    encrypted: bool | None
    cmkid: str
    user_data_bytes: int
    user_data_sha256: str
    login: Literal["keypair", "password", "script"]
    #: Of the call: v1 for an image without Cloud-Init.
    version: Literal["v1", "v2"]
    #: The preset it used, as slug@version; empty for none.
    preset: str


class Attempt(TypedDict):
    """One intent to call the cloud."""

    number: int
    verdict: Literal["armed", "not_sent", "throttled", "auth_refused", "rejected", "accepted", "unknown"]
    sent_at: str
    answered_at: str | None
    status: int | None
    code: str
    message: str
    request_id: str


class Audit(TypedDict):
    """One act: who did what to which thing, from where. before and after hold what changed."""

    id: int
    at: str
    actor: str
    source: Literal["browser", "token", "command", "system"]
    token: str
    address: str
    request_id: str
    action: str
    object_type: str
    object_id: str
    object_label: str
    project: str
    before: dict[str, Any]
    after: dict[str, Any]
    note: str


class BlamedJob(TypedDict):
    """A job whose call got no clear answer, or an error, before the breaker opened."""

    id: int
    server: str
    state: Literal[
        "awaiting_approval",
        "queued",
        "preflight",
        "stopping",
        "submitting",
        "uncertain",
        "running",
        "verifying",
        "attention",
        "succeeded",
        "failed",
        "rejected",
        "not_applied",
        "cancelled",
        "expired",
    ]
    verdict: Literal["armed", "not_sent", "throttled", "auth_refused", "rejected", "accepted", "unknown"]


class Breaker(TypedDict):
    """An open breaker: nothing new is sent to this cloud until a person has looked."""

    #: Its number, for closing the breaker.
    cloud: int
    name: str
    reason: str
    set_at: str
    #: Look at these first; 20 at most, of your projects.
    jobs: list[BlamedJob]


class Change(TypedDict):
    """One line of the proof: before the request and after the end."""

    label: str
    before: str
    after: str
    became: Literal["replaced", "unchanged", "changed", "missing"]


class Check(TypedDict):
    """A connection test. What a write needs is not tested: a reinstall is the only real test."""

    #: No step failed.
    ok: bool
    steps: list[CheckStep]
    #: What this says of write rights.
    writes: str


class CheckStep(TypedDict):
    """One step of a connection test."""

    name: str
    title: str
    result: Literal["passed", "warned", "failed", "not_tried"]
    #: Passed, perhaps with something to know.
    ok: bool
    sentence: str
    duration_ms: int


class CloseBreakerBody(TypedDict):
    """Lets a cloud's jobs go on."""

    #: What you looked at.
    reason: str


class CredentialsBody(TypedDict):
    """Of kind aksk: access_key, secret_key. Of kind password: user, password, domain."""

    kind: str
    access_key: NotRequired[str]
    secret_key: NotRequired[str]
    security_token: NotRequired[str]
    user: NotRequired[str]
    password: NotRequired[str]
    domain: NotRequired[str]


class DecisionBody(TypedDict):
    """A person's decision about an open approval."""

    #: approve, decline, withdraw (your own), override (two admins, an emergency).
    decision: str
    #: That of the approval you read; refused when another one is asked for now.
    request_hash: str
    #: At most 500 characters; needed to decline and to override.
    reason: NotRequired[str]


class Difference(TypedDict):
    """A server that is other than at the reading before."""

    id: str
    name: str
    fields_changed: list[str]


class Disk(TypedDict):
    """A disk, and what a reinstall does to it."""

    volume_id: str
    device: str
    size_gb: int | None
    role: Literal["system", "data"]
    fate: Literal["wiped", "kept"]
    name: str
    volume_type: str
    encrypted: bool
    cmkid: str
    shareable: bool
    #: null where the cloud did not tell.
    snapshots: int | None


class Engine(TypedDict):
    """Whether work gets done."""

    #: When a worker last looked for work that is due.
    ticked_at: str | None
    #: How long the oldest due job waits for a worker.
    oldest_due_s: int
    #: How long the oldest event waits for delivery.
    oldest_event_s: int
    #: Jobs of your projects that wait for a freeze or breaker.
    held_jobs: int


class EvidenceRow(TypedDict):
    """One thing that was seen. The grade is empty for what proves nothing by itself."""

    kind: str
    grade: Literal["E1", "E1'", "E2", "E3", "E4", "E4'", "E5", ""]
    observed_at: str
    summary: str
    data: dict[str, Any]


class Evidence(TypedDict):
    """All that is known of one job's outcome; `evidence` oldest first."""

    job: int
    server_name: str
    state: Literal[
        "awaiting_approval",
        "queued",
        "preflight",
        "stopping",
        "submitting",
        "uncertain",
        "running",
        "verifying",
        "attention",
        "succeeded",
        "failed",
        "rejected",
        "not_applied",
        "cancelled",
        "expired",
    ]
    state_since: str
    waiting_for: str
    sent: Sent | None
    answer: Answer | None
    compared: list[FieldChange]
    compared_at: str | None
    evidence: list[EvidenceRow]
    proposal: Proposal
    #: What you may answer about this job now; empty when it is settled, or not yours to settle.
    answers: list[Literal["ran_job", "ran_unknown", "never_ran", "ran_well", "ran_badly"]]
    next_look_at: str | None
    #: Whether never_ran is a proposal first, which another person has to confirm.
    second_person: bool
    #: Whether anybody but you has the right to confirm that.
    others: bool
    #: The proposal that waits for a second person.
    pending: Pending | None


class ExchangeList(TypedDict):
    """All calls made for a job, oldest first."""

    results: list[Exchange]


class Exchange(TypedDict):
    """One call made for a job, masked; repeated polls are counted on one row."""

    id: int
    at: str
    last_at: str
    times: int
    method: str
    path: str
    status: int | None
    outcome: str
    duration_ms: int
    request_id: str
    request_body: str
    response_body: str
    error: str


class Failure(TypedDict):
    """Why a job ended badly, and what helps."""

    code: str
    message: str
    advice: str


class FieldChange(TypedDict):
    """One property of the server before the call and now, as texts."""

    name: str
    label: str
    before: str
    now: str
    changed: bool


class FreezeBody(TypedDict):
    """Stops all new reinstalls, or lets them go on."""

    on: bool
    reason: str


class Hold(TypedDict):
    """Why nothing new is sent, since when, and who said so."""

    reason: str
    set_by: str
    set_at: str


class Image(TypedDict):
    """An image. A reinstall takes the image its server was made from; where that is gone there is none."""

    id: str
    name: str
    project: str
    #: gold (public), private or shared.
    type: str
    #: As the cloud says; only an active one can be used.
    status: str
    os_type: str
    min_disk_gb: int | None
    #: Whether Cloud-Init puts keys and user data in.
    cloud_init: bool
    #: The KMS key of an encrypted image, else empty.
    cmkid: str
    #: How many servers were made from it.
    servers: int
    seen_at: str
    #: Since when the cloud does not know it any more.
    gone_at: str | None


class JobBrief(TypedDict):
    """A job, in short."""

    id: int
    state: str
    state_since: str


class JobDisk(TypedDict):
    """A disk before, and what stands in its place after."""

    id: str
    device: str
    size_gb: int | None
    role: Literal["system", "data"]
    fate: Literal["wiped", "kept", "missing"]
    id_after: str
    name: str


class JobRow(TypedDict):
    """A job as lists show it."""

    id: int
    order: int
    project: str
    environment: str
    server: ServerBrief
    state: Literal[
        "awaiting_approval",
        "queued",
        "preflight",
        "stopping",
        "submitting",
        "uncertain",
        "running",
        "verifying",
        "attention",
        "succeeded",
        "failed",
        "rejected",
        "not_applied",
        "cancelled",
        "expired",
    ]
    state_since: str
    #: The current step, or the cause of a bad end, as a sentence.
    step: str
    requested_by: str
    reason: str
    created_at: str
    sent_at: str | None
    ended_at: str | None
    took_s: int | None
    cloud_job_id: str
    #: Under way for 15 minutes or 2 hours; a badge.
    lateness: Literal["", "overdue", "stuck"]


class Job(TypedDict):
    """A job with everything there is to say."""

    id: int
    order: int
    project: str
    environment: str
    server: ServerBrief
    state: Literal[
        "awaiting_approval",
        "queued",
        "preflight",
        "stopping",
        "submitting",
        "uncertain",
        "running",
        "verifying",
        "attention",
        "succeeded",
        "failed",
        "rejected",
        "not_applied",
        "cancelled",
        "expired",
    ]
    state_since: str
    headline: str
    done: bool
    can_cancel: bool
    #: Grows by one with each change of the state.
    seq: int
    cloud_job_id: str
    cloud_status: str
    polled_at: str | None
    waiting_for: str
    #: Under way for 15 minutes or 2 hours; a badge.
    lateness: Literal["", "overdue", "stuck"]
    #: null until the job has succeeded.
    after: After | None
    steps: list[Step]
    #: Measured when asked; not part of the ETag.
    progress: Progress
    failure: Failure | None
    disks: list[JobDisk]
    attempts: list[Attempt]
    asked: AskedFor
    reason: str
    requested_by: str
    approved_by: str
    source: str
    request_id: str
    created_at: str
    sent_at: str | None
    ended_at: str | None


class KeyPair(TypedDict):
    """A key pair. The private half is never here."""

    name: str
    #: The cloud user it belongs to: what userid of a spec must be.
    userid: str
    project: str
    fingerprint: str
    type: str
    #: How many servers name it at the cloud.
    used_on: int
    seen_at: str


class KmsKey(TypedDict):
    """A key that may encrypt a system disk; only an enabled one can be chosen."""

    id: str
    alias: str
    project: str
    enabled: bool
    #: As the cloud numbers it; 2 is enabled.
    state: int
    is_default: bool
    seen_at: str


class NewToken(TypedDict):
    """A token just made. This is the only time its secret is shown."""

    id: int
    name: str
    #: Its first characters, to tell tokens apart.
    prefix: str
    scopes: list[Literal["read", "request"]]
    #: Empty: every project of the person.
    projects: list[str]
    #: Where it may be used from; empty: everywhere.
    networks: list[str]
    created_at: str
    expires_at: str
    last_used_at: str | None
    #: The address of that use; empty before the first.
    last_used_from: str
    revoked_at: str | None
    secret: str


class OrderBody(TypedDict):
    """One decision about one or many servers."""

    #: Slug of the project.
    project: str
    #: Ids of the servers, each once.
    servers: list[str]
    spec: SpecBody
    #: A preset, as slug or slug@version: what spec leaves out is as it says. Without a version the newest
    #: counts.
    preset: NotRequired[str]
    reason: NotRequired[str]
    #: The server's name, or "wipe N servers" for more than one.
    confirm: NotRequired[str]
    not_before: NotRequired[str | None]
    waves: NotRequired[Any]
    #: Servers as a dry run told them in `seen`: one that is another by now is refused, and a dry run says
    #: what changed.
    seen: NotRequired[list[SeenBody]]
    #: Answers 200 with the checks and the exact request; stores nothing.
    dry_run: NotRequired[bool]


class OrderCheck(TypedDict):
    """One check before the start."""

    name: str
    level: Literal["passed", "to_know", "must_fix"]
    sentence: str
    #: The field it is about, if it is about one.
    field: str


class OrderJob(TypedDict):
    """A job of an order, in short."""

    id: int
    server: str
    name: str
    state: Literal[
        "awaiting_approval",
        "queued",
        "preflight",
        "stopping",
        "submitting",
        "uncertain",
        "running",
        "verifying",
        "attention",
        "succeeded",
        "failed",
        "rejected",
        "not_applied",
        "cancelled",
        "expired",
    ]


class OrderRow(TypedDict):
    """An order as lists show it. counts: how many of its jobs are in which state."""

    id: int
    state: Literal["awaiting_approval", "scheduled", "running", "paused", "finished", "cancelled"]
    project: str
    environment: str
    reason: str
    requested_by: str
    source: str
    #: The preset it used, as slug@version; empty for none.
    preset: str
    request_hash: str
    created_at: str
    counts: dict[str, int]


class Order(TypedDict):
    """An order with its jobs."""

    id: int
    state: Literal["awaiting_approval", "scheduled", "running", "paused", "finished", "cancelled"]
    project: str
    environment: str
    reason: str
    requested_by: str
    source: str
    #: The preset it used, as slug@version; empty for none.
    preset: str
    request_hash: str
    created_at: str
    counts: dict[str, int]
    jobs: list[OrderJob]


class Override(TypedDict):
    """The first admin of an emergency override."""

    by: str
    at: str
    reason: str


class ProjectChangeBody(TypedDict):
    """What can be changed; what is left out stays."""

    name: NotRequired[str]
    environment: NotRequired[str]


class Pending(TypedDict):
    """An answer that waits for a second person."""

    id: int
    answer: Literal["never_ran"]
    reason: str
    #: Who proposed it.
    by: str
    at: str
    #: What you may do with it: withdraw your own, confirm or reject another's.
    decisions: list[Literal["confirm", "reject", "withdraw"]]
    #: Whether anybody but the proposer has the right to confirm it.
    others: bool


class PresetBody(TypedDict):
    """A new preset."""

    spec: SettingsBody
    #: What is new, and why.
    note: NotRequired[str]
    #: Slug of the project.
    project: str
    name: str


class PresetRow(TypedDict):
    """A preset with its newest version. used: how many orders took their settings from it."""

    slug: str
    name: str
    project: str
    environment: str
    latest: PresetVersion
    used: int
    last_used_at: str | None
    created_at: str
    created_by: str
    retired_at: str | None
    retired_by: str


class Preset(TypedDict):
    """A preset with all its versions, newest first."""

    slug: str
    name: str
    project: str
    environment: str
    latest: PresetVersion
    used: int
    last_used_at: str | None
    created_at: str
    created_by: str
    retired_at: str | None
    retired_by: str
    versions: list[PresetVersion]


class PresetVersionBody(TypedDict):
    """The next version of a preset."""

    spec: SettingsBody
    #: What is new, and why.
    note: NotRequired[str]


class PresetVersion(TypedDict):
    """One version of a preset. It is never changed."""

    number: int
    #: An empty keyname is chosen anew at each reinstall.
    spec: Settings
    note: str
    #: What is different from the version before, in words.
    changed: list[str]
    created_at: str
    created_by: str


class Preview(TypedDict):
    """What a dry run found. Nothing was stored and nothing was sent."""

    checks: list[OrderCheck]
    requests: list[PreviewedRequest]
    warnings: list[str]
    #: The first request for a shell, user data masked, the token a variable; the others differ in the
    #: server's id in the path.
    curl: str


class PreviewedRequest(TypedDict):
    """The exact call that would be made; user data is shown as size and SHA-256, a password not at all."""

    server_id: str
    server_name: str
    method: str
    path: str
    body: dict[str, Any]
    #: As the order will have it. Empty with a password: then it is made with a key of the order.
    request_hash: str
    #: The server as it was judged, for `seen` of the order.
    seen: Seen


class Progress(TypedDict):
    """Seconds so far, and what earlier runs took; null under five earlier runs."""

    elapsed_s: int
    half_s: int | None
    nine_of_ten_s: int | None
    left_s: int | None
    samples: int
    percent: int


class ProjectBody(TypedDict):
    """A cloud's project with its credentials."""

    name: str
    environment: str
    profile: str
    region: str
    project_id: str
    endpoints: NotRequired[dict[str, str]]
    credentials: CredentialsBody


class Project(TypedDict):
    """A project. Its credentials are never shown, only of which kind they are."""

    slug: str
    name: str
    environment: Literal["production", "staging", "simulator"]
    profile: str
    region: str
    project_id: str
    endpoints: dict[str, str]
    credential_kind: Literal["aksk", "password"]
    credentials_set_at: str | None
    credentials_set_by: str
    #: Counts the changes people made.
    version: int
    synced_at: str | None
    sync_error: str
    created_at: str


class ProposalBody(TypedDict):
    """A second person's decision about an open proposal."""

    #: confirm or reject another person's proposal; withdraw your own.
    decision: str
    #: How you know, in 1 to 500 characters; not needed to withdraw.
    reason: NotRequired[str]
    #: The proposal you read; refused when another one is open now.
    proposal_id: NotRequired[int | None]


class Proposal(TypedDict):
    """What the evidence points to; everything empty where it points nowhere."""

    answer: Literal["ran_job", "ran_unknown", "never_ran", "ran_well", "ran_badly", ""]
    cloud_job_id: str
    grade: str
    sentence: str


class ProtectionBody(TypedDict):
    """Why a server is protected, or not any more."""

    reason: str


class RotationBody(TypedDict):
    """Credentials that are to take the place of those stored."""

    credentials: CredentialsBody


class Rotation(TypedDict):
    """Credentials that became current, with the test that let them."""

    project: Project
    steps: list[CheckStep]


class SeenBody(TypedDict):
    """As told in `seen`, all of it."""

    id: str
    name: str
    status: str
    addresses: list[str]
    image_id: str
    disks: list[SeenDiskBody]


class SeenDiskBody(TypedDict):
    """As told in `seen`."""

    id: str
    system: bool
    encrypted: bool


class SeenDisk(TypedDict):
    """A disk that is attached. system: it is the one a reinstall wipes."""

    id: str
    system: bool
    encrypted: bool


class Seen(TypedDict):
    """What of a server may not change between a look and the call."""

    id: str
    name: str
    status: str
    addresses: list[str]
    image_id: str
    disks: list[SeenDisk]


class Sent(TypedDict):
    """The call in doubt; its body masked."""

    #: Number of the attempt.
    number: int
    verdict: Literal["armed", "not_sent", "throttled", "auth_refused", "rejected", "accepted", "unknown"]
    intent_at: str
    #: null for a call made with a token.
    signed_at: str | None
    #: Until then a request nobody saw answered could still be taken.
    may_arrive_until: str | None
    path: str
    body: str
    #: SHA-256 of the body; with a password a digest made with a key of the order.
    body_sha256: str


class ServerBrief(TypedDict):
    """A server, in short."""

    id: str
    name: str


class ServerRow(TypedDict):
    """A server as lists show it."""

    id: str
    name: str
    project: str
    environment: str
    state: Literal["running", "stopped", "reinstalling", "temporary", "gone", "error", "other"]
    #: As the cloud says it.
    status: str
    image: str
    flavor: str
    system_gb: int | None
    data_disks: int
    address: str
    tags: list[str]
    seen_at: str
    synced_at: str | None
    last_job: JobBrief | None
    active_job: JobBrief | None
    #: Why it cannot be reinstalled now; "" when it can.
    why_not: str
    #: "" while the image it was made from is there, else withdrawn, gone or inactive.
    image_state: str


class Server(TypedDict):
    """A server with everything the portal knows of it."""

    id: str
    name: str
    project: str
    environment: str
    state: Literal["running", "stopped", "reinstalling", "temporary", "gone", "error", "other"]
    status: str
    task_state: str
    image: str
    image_id: str
    os_type: str
    flavor: str
    vcpus: int | None
    ram_mb: int | None
    zone: str
    addresses: list[str]
    tags: list[str]
    keyname: str
    userid: str
    locked: bool
    created_at: str | None
    seen_at: str
    gone_at: str | None
    disks: list[Disk]
    history: list[JobRow]
    #: Why a person protected it; "" where nobody did.
    protected_reason: str
    protected_by: str
    protected_at: str | None
    #: The cloud's tag ecsportal:protected is on it.
    tag_protected: bool
    active_job: JobBrief | None
    why_not: str
    image_state: str


class SettingsBody(TypedDict):
    """Settings of a reinstall; the names are those of the form."""

    keyname: NotRequired[str]
    userid: NotRequired[str]
    #: "withStopServer", or left out.
    mode: NotRequired[str]
    byol: NotRequired[bool]
    #: The script as plain text, at most 32,768 bytes.
    user_data: NotRequired[str]
    #: The script in base64, in place of user_data.
    user_data_base64: NotRequired[str]
    #: null leaves it to the cloud.
    encrypted: NotRequired[bool | None]
    cmkid: NotRequired[str]


class Settings(TypedDict):
    """Settings as they are shown; the script only as size and SHA-256."""

    keyname: str
    userid: str
    mode: str
    byol: bool
    encrypted: bool | None
    cmkid: str
    user_data_bytes: int
    user_data_sha256: str


class SettleBody(TypedDict):
    """What became of an unclear job."""

    #: ran_job, ran_unknown or never_ran; for a job in attention also ran_well or ran_badly, the end as
    #: you saw it.
    answer: str
    #: With ran_job: the cloud's job, which is asked about first.
    cloud_job_id: NotRequired[str]
    #: How you know, in 1 to 500 characters. Kept in the audit log.
    reason: str


class SpecBody(TypedDict):
    """What is asked of each server. With a preset, what is left out is as the preset says."""

    keyname: NotRequired[str]
    userid: NotRequired[str]
    #: "withStopServer", or left out.
    mode: NotRequired[str]
    byol: NotRequired[bool]
    #: The script as plain text, at most 32,768 bytes.
    user_data: NotRequired[str]
    #: The script in base64, in place of user_data.
    user_data_base64: NotRequired[str]
    #: null leaves it to the cloud.
    encrypted: NotRequired[bool | None]
    cmkid: NotRequired[str]
    #: A password in place of keyname, where the cloud has that: 8 to 26 characters of three kinds. Never
    #: shown again.
    adminpass: NotRequired[str]


class Step(TypedDict):
    """A step of a job."""

    key: str
    name: str
    state: Literal["done", "active", "todo", "failed", "unknown", "skipped"]
    started_at: str | None
    ended_at: str | None
    note: str
    subs: list[SubStep]


class SubStep(TypedDict):
    """A sub-job of the cloud."""

    name: str
    raw_name: str
    state: Literal["done", "active", "todo", "failed", "unknown", "skipped"]
    seconds: int | None


class SyncRun(TypedDict):
    """A reading of the inventory, while it goes on or after its end."""

    servers: int
    added: int
    changed: int
    gone: int
    key_pairs: int
    kms_keys: int
    images: int
    problems: list[str]
    id: int
    project: str
    state: Literal["waiting", "reading", "complete", "incomplete"]
    requested_by: str
    requested_at: str
    started_at: str | None
    ended_at: str | None
    #: What is being read now; empty before and after.
    phase: str
    #: So many of the phase were read.
    read: int
    #: So many the cloud says there are.
    announced: int | None
    #: The first 50.
    added_servers: list[Difference]
    #: The first 50.
    changed_servers: list[Difference]
    #: The first 50.
    gone_servers: list[Difference]


class Sync(TypedDict):
    """What a sync found; `problems` are sentences on what could not be read."""

    servers: int
    added: int
    changed: int
    gone: int
    key_pairs: int
    kms_keys: int
    images: int
    problems: list[str]


class System(TypedDict):
    """The installation: what holds reinstalls, and whether work gets done."""

    freeze: Hold | None
    #: The database is not trusted: manage.py after_restore.
    read_only: Hold | None
    breakers: list[Breaker]
    #: Clocks that differ.
    warnings: list[str]
    engine: Engine
    #: What makes /ready red.
    problems: list[str]


class TokenBody(TypedDict):
    """A new token for oneself."""

    name: str
    #: Of read, request.
    scopes: list[str]
    #: Slugs; empty: every project of yours.
    projects: NotRequired[list[str]]
    #: How long it lives, 1 to 90.
    days: NotRequired[int]
    #: Where it may be used from, like 10.1.0.0/16 or 2001:db8::/48; empty: everywhere.
    networks: NotRequired[list[str]]


class Token(TypedDict):
    """A token, without its secret."""

    id: int
    name: str
    #: Its first characters, to tell tokens apart.
    prefix: str
    scopes: list[Literal["read", "request"]]
    #: Empty: every project of the person.
    projects: list[str]
    #: Where it may be used from; empty: everywhere.
    networks: list[str]
    created_at: str
    expires_at: str
    last_used_at: str | None
    #: The address of that use; empty before the first.
    last_used_from: str
    revoked_at: str | None


class Client(Transport):
    """One method for each operation of the interface."""

    def list_approvals(
        self,
        *,
        limit: int | None = None,
        project: str | None = None,
        state: Literal["ended", "open"] | None = None,
    ) -> Iterator[Approval]:
        """Orders that wait for a second person, or did. `GET /api/v1/approvals/`"""
        return self._pages("/api/v1/approvals/", {"limit": limit, "project": project, "state": state})

    def get_approval(self, approval_id: int) -> Approval:
        """One order that waits for a second person, or did. `GET /api/v1/approvals/{approval_id}/`"""
        answer: Approval = self._json(
            "GET", _path("/api/v1/approvals/{approval_id}/", approval_id=approval_id)
        )
        return answer

    def decide_approval(self, approval_id: int, body: DecisionBody) -> Approval:
        """Approve, decline, withdraw or override an order that waits (a signed-in person, not a token). `POST
        /api/v1/approvals/{approval_id}/decide/`"""
        answer: Approval = self._json(
            "POST", _path("/api/v1/approvals/{approval_id}/decide/", approval_id=approval_id), body=body
        )
        return answer

    def list_audit(
        self,
        *,
        action: str | None = None,
        actor: str | None = None,
        limit: int | None = None,
        object_id: str | None = None,
        object_type: str | None = None,
        ordering: Literal["-id", "id"] | None = None,
        project: str | None = None,
        q: str | None = None,
        since: str | None = None,
        source: Literal["browser", "command", "system", "token"] | None = None,
        until: str | None = None,
    ) -> Iterator[Audit]:
        """Audit history. `GET /api/v1/audit/`"""
        return self._pages(
            "/api/v1/audit/",
            {
                "action": action,
                "actor": actor,
                "limit": limit,
                "object_id": object_id,
                "object_type": object_type,
                "ordering": ordering,
                "project": project,
                "q": q,
                "since": since,
                "source": source,
                "until": until,
            },
        )

    def get_audit_entry(self, entry_id: int) -> Audit:
        """One audit entry. `GET /api/v1/audit/{entry_id}/`"""
        answer: Audit = self._json("GET", _path("/api/v1/audit/{entry_id}/", entry_id=entry_id))
        return answer

    def list_images(
        self,
        *,
        gone: Literal["no", "yes"] | None = None,
        limit: int | None = None,
        project: str | None = None,
        q: str | None = None,
        status: str | None = None,
        type: Literal["gold", "private", "shared"] | None = None,
    ) -> Iterator[Image]:
        """Images. `GET /api/v1/images/`"""
        return self._pages(
            "/api/v1/images/",
            {"gone": gone, "limit": limit, "project": project, "q": q, "status": status, "type": type},
        )

    def list_jobs(
        self,
        *,
        limit: int | None = None,
        order: int | None = None,
        ordering: Literal["-created_at", "created_at"] | None = None,
        project: str | None = None,
        q: str | None = None,
        requested_by: str | None = None,
        server: str | None = None,
        state: Literal[
            "attention",
            "awaiting_approval",
            "cancelled",
            "expired",
            "failed",
            "not_applied",
            "preflight",
            "queued",
            "rejected",
            "running",
            "stopping",
            "submitting",
            "succeeded",
            "uncertain",
            "verifying",
        ]
        | None = None,
        tab: Literal["all", "attention", "finished", "running"] | None = None,
    ) -> Iterator[JobRow]:
        """Jobs. `GET /api/v1/jobs/`"""
        return self._pages(
            "/api/v1/jobs/",
            {
                "limit": limit,
                "order": order,
                "ordering": ordering,
                "project": project,
                "q": q,
                "requested_by": requested_by,
                "server": server,
                "state": state,
                "tab": tab,
            },
        )

    def get_job(self, job_id: int) -> Job:
        """One job: steps, progress, disks, attempts. `GET /api/v1/jobs/{job_id}/`"""
        answer: Job = self._json("GET", _path("/api/v1/jobs/{job_id}/", job_id=job_id))
        return answer

    def cancel_job(self, job_id: int, *, if_match: str | None = None) -> Job:
        """Cancel a job before anything is sent to the cloud. `POST /api/v1/jobs/{job_id}/cancel/`"""
        answer: Job = self._json(
            "POST", _path("/api/v1/jobs/{job_id}/cancel/", job_id=job_id), headers={"If-Match": if_match}
        )
        return answer

    def watch_job(self, job_id: int) -> Iterator[Event]:
        """Changes of a job as server-sent events. `GET /api/v1/jobs/{job_id}/events/`"""
        return self._events(_path("/api/v1/jobs/{job_id}/events/", job_id=job_id))

    def get_job_evidence(self, job_id: int) -> Evidence:
        """What was sent, the server before and now, every sign of the outcome. `GET
        /api/v1/jobs/{job_id}/evidence/`"""
        answer: Evidence = self._json("GET", _path("/api/v1/jobs/{job_id}/evidence/", job_id=job_id))
        return answer

    def list_job_exchange(self, job_id: int) -> ExchangeList:
        """Calls made for a job, masked. `GET /api/v1/jobs/{job_id}/exchange/`"""
        answer: ExchangeList = self._json("GET", _path("/api/v1/jobs/{job_id}/exchange/", job_id=job_id))
        return answer

    def decide_job_proposal(self, job_id: int, body: ProposalBody, *, if_match: str | None = None) -> Job:
        """Confirm, reject or withdraw a proposal about an unclear job (a signed-in person, not a token).
        `POST /api/v1/jobs/{job_id}/proposal/`"""
        answer: Job = self._json(
            "POST",
            _path("/api/v1/jobs/{job_id}/proposal/", job_id=job_id),
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    def settle_job(self, job_id: int, body: SettleBody, *, if_match: str | None = None) -> Job:
        """Say what became of an unclear job (a signed-in person, not a token); may need a second person.
        `POST /api/v1/jobs/{job_id}/settle/`"""
        answer: Job = self._json(
            "POST",
            _path("/api/v1/jobs/{job_id}/settle/", job_id=job_id),
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    def list_key_pairs(
        self,
        *,
        limit: int | None = None,
        project: str | None = None,
        q: str | None = None,
        userid: str | None = None,
    ) -> Iterator[KeyPair]:
        """Key pairs. `GET /api/v1/key-pairs/`"""
        return self._pages(
            "/api/v1/key-pairs/", {"limit": limit, "project": project, "q": q, "userid": userid}
        )

    def list_kms_keys(
        self, *, limit: int | None = None, project: str | None = None, q: str | None = None
    ) -> Iterator[KmsKey]:
        """KMS keys. `GET /api/v1/kms-keys/`"""
        return self._pages("/api/v1/kms-keys/", {"limit": limit, "project": project, "q": q})

    def list_orders(
        self,
        *,
        limit: int | None = None,
        ordering: Literal["-created_at", "created_at"] | None = None,
        project: str | None = None,
        q: str | None = None,
        state: Literal["awaiting_approval", "cancelled", "finished", "paused", "running", "scheduled"]
        | None = None,
    ) -> Iterator[OrderRow]:
        """Orders. `GET /api/v1/orders/`"""
        return self._pages(
            "/api/v1/orders/",
            {"limit": limit, "ordering": ordering, "project": project, "q": q, "state": state},
        )

    def place_order(self, body: OrderBody, *, idempotency_key: str | None = None) -> Preview | Order:
        """Reinstall servers, or look at what would happen (dry_run). `POST /api/v1/orders/`"""
        answer: Preview | Order = self._json(
            "POST",
            "/api/v1/orders/",
            body=body,
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        )
        return answer

    def get_order(self, order_id: int) -> Order:
        """One order with its jobs. `GET /api/v1/orders/{order_id}/`"""
        answer: Order = self._json("GET", _path("/api/v1/orders/{order_id}/", order_id=order_id))
        return answer

    def list_presets(
        self,
        *,
        limit: int | None = None,
        project: str | None = None,
        q: str | None = None,
        state: Literal["kept", "retired"] | None = None,
    ) -> Iterator[PresetRow]:
        """Presets. `GET /api/v1/presets/`"""
        return self._pages("/api/v1/presets/", {"limit": limit, "project": project, "q": q, "state": state})

    def add_preset(self, body: PresetBody) -> Preset:
        """Add a preset. `POST /api/v1/presets/`"""
        answer: Preset = self._json("POST", "/api/v1/presets/", body=body)
        return answer

    def get_preset(self, slug: str) -> Preset:
        """One preset with its versions. `GET /api/v1/presets/{slug}/`"""
        answer: Preset = self._json("GET", _path("/api/v1/presets/{slug}/", slug=slug))
        return answer

    def delete_preset(self, slug: str, *, if_match: str | None = None) -> None:
        """Delete a preset no order ever used. `DELETE /api/v1/presets/{slug}/`"""
        self._json("DELETE", _path("/api/v1/presets/{slug}/", slug=slug), headers={"If-Match": if_match})

    def restore_preset(self, slug: str) -> Preset:
        """Bring a retired preset back. `POST /api/v1/presets/{slug}/restore/`"""
        answer: Preset = self._json("POST", _path("/api/v1/presets/{slug}/restore/", slug=slug))
        return answer

    def retire_preset(self, slug: str) -> Preset:
        """Retire a preset: it cannot be chosen any more. `POST /api/v1/presets/{slug}/retire/`"""
        answer: Preset = self._json("POST", _path("/api/v1/presets/{slug}/retire/", slug=slug))
        return answer

    def add_preset_version(
        self, slug: str, body: PresetVersionBody, *, if_match: str | None = None
    ) -> Preset:
        """Change a preset: its next version. `POST /api/v1/presets/{slug}/versions/`"""
        answer: Preset = self._json(
            "POST",
            _path("/api/v1/presets/{slug}/versions/", slug=slug),
            body=body,
            headers={"If-Match": if_match},
        )
        return answer

    def get_preset_version(self, slug: str, number: int) -> PresetVersion:
        """One version of a preset. `GET /api/v1/presets/{slug}/versions/{number}/`"""
        answer: PresetVersion = self._json(
            "GET", _path("/api/v1/presets/{slug}/versions/{number}/", slug=slug, number=number)
        )
        return answer

    def list_projects(
        self,
        *,
        environment: Literal["production", "simulator", "staging"] | None = None,
        limit: int | None = None,
        q: str | None = None,
    ) -> Iterator[Project]:
        """Projects. `GET /api/v1/projects/`"""
        return self._pages("/api/v1/projects/", {"environment": environment, "limit": limit, "q": q})

    def add_project(self, body: ProjectBody) -> Project:
        """Add a project with its credentials. `POST /api/v1/projects/`"""
        answer: Project = self._json("POST", "/api/v1/projects/", body=body)
        return answer

    def get_project(self, slug: str) -> Project:
        """One project. `GET /api/v1/projects/{slug}/`"""
        answer: Project = self._json("GET", _path("/api/v1/projects/{slug}/", slug=slug))
        return answer

    def change_project(self, slug: str, body: ProjectChangeBody, *, if_match: str | None = None) -> Project:
        """Change name or environment. `PATCH /api/v1/projects/{slug}/`"""
        answer: Project = self._json(
            "PATCH", _path("/api/v1/projects/{slug}/", slug=slug), body=body, headers={"If-Match": if_match}
        )
        return answer

    def check_project(self, slug: str) -> Check:
        """Test the connection, step by step. `POST /api/v1/projects/{slug}/check/`"""
        answer: Check = self._json("POST", _path("/api/v1/projects/{slug}/check/", slug=slug))
        return answer

    def rotate_credentials(self, slug: str, body: RotationBody) -> Rotation:
        """Set new credentials, once a sign-in and the list of servers worked with them. `POST
        /api/v1/projects/{slug}/credentials/`"""
        answer: Rotation = self._json(
            "POST", _path("/api/v1/projects/{slug}/credentials/", slug=slug), body=body
        )
        return answer

    def get_last_sync(self, slug: str) -> SyncRun:
        """The last reading of a project. `GET /api/v1/projects/{slug}/sync/`"""
        answer: SyncRun = self._json("GET", _path("/api/v1/projects/{slug}/sync/", slug=slug))
        return answer

    def sync_project(self, slug: str, *, prefer: str | None = None) -> Sync | SyncRun:
        """Read servers, disks, images and keys from the cloud now. `POST /api/v1/projects/{slug}/sync/`"""
        answer: Sync | SyncRun = self._json(
            "POST", _path("/api/v1/projects/{slug}/sync/", slug=slug), headers={"Prefer": prefer}
        )
        return answer

    def get_sync(self, slug: str, run_id: int) -> SyncRun:
        """One reading of a project. `GET /api/v1/projects/{slug}/syncs/{run_id}/`"""
        answer: SyncRun = self._json(
            "GET", _path("/api/v1/projects/{slug}/syncs/{run_id}/", slug=slug, run_id=run_id)
        )
        return answer

    def list_servers(
        self,
        *,
        image: str | None = None,
        last: Literal[">180d", ">30d", ">90d", "failed", "never"] | None = None,
        limit: int | None = None,
        ordering: Literal[
            "-flavor",
            "-image",
            "-name",
            "-seen_at",
            "-status",
            "flavor",
            "image",
            "name",
            "seen_at",
            "status",
        ]
        | None = None,
        project: str | None = None,
        protected: Literal["no", "yes"] | None = None,
        q: str | None = None,
        status: Literal["error", "gone", "other", "reinstalling", "running", "stopped", "temporary"]
        | None = None,
        tag: str | None = None,
    ) -> Iterator[ServerRow]:
        """Servers. `GET /api/v1/servers/`"""
        return self._pages(
            "/api/v1/servers/",
            {
                "image": image,
                "last": last,
                "limit": limit,
                "ordering": ordering,
                "project": project,
                "protected": protected,
                "q": q,
                "status": status,
                "tag": tag,
            },
        )

    def get_server(self, server_id: str) -> Server:
        """One server with its disks and history. `GET /api/v1/servers/{server_id}/`"""
        answer: Server = self._json("GET", _path("/api/v1/servers/{server_id}/", server_id=server_id))
        return answer

    def protect_server(self, server_id: str, body: ProtectionBody) -> Server:
        """Protect a server from reinstalls. `POST /api/v1/servers/{server_id}/protect/`"""
        answer: Server = self._json(
            "POST", _path("/api/v1/servers/{server_id}/protect/", server_id=server_id), body=body
        )
        return answer

    def unprotect_server(self, server_id: str, body: ProtectionBody) -> Server:
        """Lift the protection of a server. `POST /api/v1/servers/{server_id}/unprotect/`"""
        answer: Server = self._json(
            "POST", _path("/api/v1/servers/{server_id}/unprotect/", server_id=server_id), body=body
        )
        return answer

    def get_system(self) -> System:
        """What holds reinstalls, and whether work gets done. `GET /api/v1/system/`"""
        answer: System = self._json("GET", "/api/v1/system/")
        return answer

    def close_breaker(self, cloud_id: int, body: CloseBreakerBody) -> System:
        """Close the breaker of a cloud (superusers). `POST /api/v1/system/breakers/{cloud_id}/close/`"""
        answer: System = self._json(
            "POST", _path("/api/v1/system/breakers/{cloud_id}/close/", cloud_id=cloud_id), body=body
        )
        return answer

    def set_freeze(self, body: FreezeBody) -> System:
        """Stop all new reinstalls, or let them go on (superusers). `POST /api/v1/system/freeze/`"""
        answer: System = self._json("POST", "/api/v1/system/freeze/", body=body)
        return answer

    def list_tokens(self, *, limit: int | None = None) -> Iterator[Token]:
        """Your API tokens. `GET /api/v1/tokens/`"""
        return self._pages("/api/v1/tokens/", {"limit": limit})

    def create_token(self, body: TokenBody) -> NewToken:
        """Make a token; its secret is shown once. `POST /api/v1/tokens/`"""
        answer: NewToken = self._json("POST", "/api/v1/tokens/", body=body)
        return answer

    def get_token(self, token_id: int) -> Token:
        """One of your tokens. `GET /api/v1/tokens/{token_id}/`"""
        answer: Token = self._json("GET", _path("/api/v1/tokens/{token_id}/", token_id=token_id))
        return answer

    def revoke_token(self, token_id: int, *, if_match: str | None = None) -> None:
        """Revoke a token, at once. `DELETE /api/v1/tokens/{token_id}/`"""
        self._json(
            "DELETE", _path("/api/v1/tokens/{token_id}/", token_id=token_id), headers={"If-Match": if_match}
        )


#: A job in one of these goes no further by itself.
_FOR_A_PERSON = frozenset({"attention", "awaiting_approval"})
_Row = TypeVar("_Row", JobRow, Job)


class Portal(Client):
    """The client, with what takes more than one call: an order placed once, jobs followed to their end."""

    def order(self, body: OrderBody, *, idempotency_key: str | None = None) -> Order:
        """Places an order, once: repeated after a lost answer with the same key.

        A program that may be started anew keeps a key of its own and gives it each time: then the order is
        the same one, however often it asks.
        """
        placed: Any = self.place_order({**body, "dry_run": False}, idempotency_key=idempotency_key)
        order: Order = placed
        return order

    def dry_run(self, body: OrderBody) -> Preview:
        """What would happen: checks, the exact requests, warnings. Nothing is stored and nothing sent."""
        found: Any = self.place_order({**body, "dry_run": True})
        preview: Preview = found
        return preview

    def jobs_of(self, order_id: int) -> list[JobRow]:
        """The jobs of an order, oldest first."""
        return list(self.list_jobs(order=order_id, ordering="created_at", limit=200))

    def wait_for_order(
        self,
        order_id: int,
        *,
        timeout_s: float | None = None,
        seen: Callable[[list[JobRow]], None] = lambda rows: None,
    ) -> list[JobRow]:
        """The jobs of an order once none of them goes on by itself: each has ended, or waits in `attention`.

        A portal that does not answer is asked again until `timeout_s`. `seen` is given the jobs after each
        look. Raises TimeOver, and Problem where the portal refuses to tell.
        """
        return self._wait(lambda: self.jobs_of(order_id), timeout_s, seen)

    def wait_for_job(
        self,
        job_id: int,
        *,
        timeout_s: float | None = None,
        seen: Callable[[list[Job]], None] = lambda rows: None,
    ) -> Job:
        """The same for one job."""
        return self._wait(lambda: [self.get_job(job_id)], timeout_s, seen)[0]

    def _wait(
        self, look: Callable[[], list[_Row]], timeout_s: float | None, seen: Callable[[list[_Row]], None]
    ) -> list[_Row]:
        deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        # One look is one try: what is repeated is the looking.
        patience, self.patience_s = self.patience_s, 0.0
        try:
            for number in itertools.count():
                rows, pause = self._looked(look, min(1.0 + number / 4, 5.0))
                seen(rows)
                if rows and all(row["ended_at"] or row["state"] == "attention" for row in rows):
                    return rows
                if time.monotonic() + pause > deadline:
                    raise TimeOver("It took longer than was waited for. The portal goes on with it.")
                self._sleep(pause)
        finally:
            self.patience_s = patience
        raise AssertionError("never reached")

    def _looked(self, look: Callable[[], list[_Row]], pause: float) -> tuple[list[_Row], float]:
        """What there was to see, nothing where no answer came, and how long to wait before the next look."""
        try:
            return look(), pause
        except PortalError as error:
            if not error.passing:
                raise
            self._note(f"{error} The jobs go on; asking again.")
            return [], max(pause, getattr(error, "retry_after_s", None) or 0.0)


OK, NOT_DONE, REFUSED, UNKNOWN, INTERRUPTED = 0, 1, 2, 3, 130
_EXITS = """\
exit status:
  0  all jobs succeeded (without --wait: the order was taken)
  1  a job ended otherwise, or needs a person
  2  the command or the order was refused; nothing was started
  3  the portal does not answer, or it is not known yet how it ends

environment:
  PORTAL_URL         https://portal.example.com
  PORTAL_TOKEN       a token of Settings, API tokens; or
  PORTAL_TOKEN_FILE  the path of a file that holds it
  PORTAL_PATIENCE    seconds a call is repeated while the portal does not answer; 60
"""


class _Refused(Exception):
    """The command cannot be carried out as it was given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; its exit status."""
    given = _parser().parse_args(arguments)
    try:
        portal = _portal()
    except (ValueError, OSError) as error:
        return _say(f"ecsportal-cli: {error}", REFUSED)
    try:
        status: int = given.act(portal, given)
        return status
    except _Refused as error:
        return _say(f"ecsportal-cli: {error}", REFUSED)
    except Problem as problem:
        return _say(_told(problem), UNKNOWN if problem.passing or problem.status >= 500 else REFUSED)
    except PortalError as error:
        return _say(f"ecsportal-cli: {error}", UNKNOWN)
    except KeyboardInterrupt:
        return _say("ecsportal-cli: interrupted; what was ordered goes on", INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ecsportal-cli",
        description="Reinstalls servers through ecsportal, and follows what it does.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _order_parser(commands.add_parser("order", help="reinstall servers", **_HELP))
    job = commands.add_parser("job", help="one job; --wait follows it to its end", **_HELP)
    job.add_argument("number", type=int)
    _waiting_arguments(job)
    job.set_defaults(act=_job)
    jobs = commands.add_parser("jobs", help="the latest jobs", **_HELP)
    jobs.add_argument("--state")
    jobs.add_argument("--order", type=int, metavar="NUMBER")
    _list_arguments(jobs, _jobs)
    servers = commands.add_parser("servers", help="servers and whether they can be reinstalled", **_HELP)
    _list_arguments(servers, _servers)
    pairs = commands.add_parser("key-pairs", help="key pairs and their owners", **_HELP)
    _list_arguments(pairs, _key_pairs)
    cancel = commands.add_parser("cancel", help="call a job off before anything is sent", **_HELP)
    cancel.add_argument("number", type=int)
    cancel.add_argument("--json", action="store_true", help=_JSON)
    cancel.set_defaults(act=_cancel)
    return parser


_JSON = "print JSON, for programs"
_HELP: dict[str, Any] = {"epilog": _EXITS, "formatter_class": argparse.RawDescriptionHelpFormatter}


def _waiting_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="until each job has ended or needs a person")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="with --wait: give up after so long")
    parser.add_argument("--json", action="store_true", help=_JSON)


def _list_arguments(
    parser: argparse.ArgumentParser, act: Callable[[Portal, argparse.Namespace], int]
) -> None:
    parser.add_argument("--project", metavar="SLUG")
    parser.add_argument("--q", metavar="WORDS", help="words that must all occur")
    parser.add_argument("--limit", type=int, default=50, help="at most so many; 50")
    parser.add_argument("--json", action="store_true", help=_JSON)
    parser.set_defaults(act=act)


def _order_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--project", required=True, metavar="SLUG")
    add("--server", required=True, action="append", metavar="NAME_OR_ID", help="several times for several")
    add("--keyname", help="the key pair that signs in afterwards")
    add("--userid", help="its owner; looked up where only one has a key pair of that name")
    add("--user-data", metavar="FILE", help="the first-boot script, sent byte for byte; - is standard input")
    add("--preset", metavar="SLUG[@VERSION]", help="settings for what is not given here")
    add("--stop", action=argparse.BooleanOptionalAction, help="stop a server that runs; the default")
    add("--encrypted", choices=("yes", "no"), help="of the new system disk; left out: the cloud decides")
    add("--cmkid", help="the KMS key, with --encrypted yes")
    add("--byol", action="store_true", help="bring your own licence")
    add("--reason", default="", help="required in production")
    add("--confirm", default="", help='the name of the server, or "wipe N servers" for more than one')
    add("--key", metavar="TEXT", help="Idempotency-Key: the same one never makes a second order")
    add("--dry-run", action="store_true", help="say what would happen; 0 when nothing is in the way")
    _waiting_arguments(parser)
    parser.set_defaults(act=_order)


def _portal() -> Portal:
    url, path = os.environ.get("PORTAL_URL", ""), os.environ.get("PORTAL_TOKEN_FILE", "")
    token = os.environ.get("PORTAL_TOKEN", "") or (Path(path).read_text(encoding="utf-8") if path else "")
    if not url or not token:
        raise ValueError("set PORTAL_URL, and PORTAL_TOKEN or PORTAL_TOKEN_FILE")
    patience = os.environ.get("PORTAL_PATIENCE", "") or "60"
    if not (patience.isascii() and patience.isdigit()):
        raise ValueError("PORTAL_PATIENCE is a whole number of seconds")
    return Portal(url, token, patience_s=float(patience), note=_progress)


def _order(portal: Portal, given: argparse.Namespace) -> int:
    body = _body(portal, given)
    if given.dry_run:
        return _show_preview(portal.dry_run(body), given.json)
    key = given.key or str(uuid.uuid4())
    try:
        placed = portal.order(body, idempotency_key=key)
    except PortalError as error:
        if error.passing:
            _progress(
                f"The order may have been taken. The same command with --key {key} asks, and orders once."
            )
        raise
    _progress(f"order {placed['id']} of {len(placed['jobs'])} servers was taken")
    if given.wait:
        return _follow(portal, given, order=placed["id"])
    rows = portal.jobs_of(placed["id"])
    return _show_jobs(rows, given.json, OK)


def _body(portal: Portal, given: argparse.Namespace) -> OrderBody:
    return {
        "project": given.project,
        "servers": [_server_id(portal, given.project, name) for name in given.server],
        "spec": _spec(portal, given),
        "preset": given.preset or "",
        "reason": given.reason,
        "confirm": given.confirm,
    }


def _spec(portal: Portal, given: argparse.Namespace) -> SpecBody:
    """What was said; what was not is left out, for the preset or the cloud to say."""
    spec: SpecBody = {}
    if given.keyname:
        spec["keyname"] = given.keyname
        spec["userid"] = given.userid or _owner(portal, given.project, given.keyname)
    if given.user_data:
        spec["user_data_base64"] = base64.b64encode(_read(given.user_data)).decode()
    if given.stop is not None or not given.preset:
        spec["mode"] = "" if given.stop is False else "withStopServer"
    if given.encrypted:
        spec["encrypted"] = given.encrypted == "yes"
    if given.cmkid:
        spec["cmkid"] = given.cmkid
    if given.byol:
        spec["byol"] = True
    return spec


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise _Refused(f"cannot read {path}: {error.strerror}") from None


def _server_id(portal: Portal, project: str, name: str) -> str:
    try:
        return str(uuid.UUID(name))
    except ValueError:
        found = [row["id"] for row in portal.list_servers(project=project, q=name) if row["name"] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise _Refused(f"{len(found)} servers of {project} are called {name}; give an id: {', '.join(found)}")
    raise _Refused(f"there is no server {name} in {project}")


def _owner(portal: Portal, project: str, keyname: str) -> str:
    pairs = portal.list_key_pairs(project=project, q=keyname)
    found = sorted({pair["userid"] for pair in pairs if pair["name"] == keyname})
    if len(found) == 1:
        return found[0]
    if found:
        raise _Refused(f"{len(found)} people have a key pair {keyname}; give --userid: {', '.join(found)}")
    raise _Refused(f"there is no key pair {keyname} in {project}")


def _show_preview(preview: Preview, as_json: bool) -> int:
    """What a dry run found. 2 where something is in the way of the order."""
    wrong = [check for check in preview["checks"] if check["level"] == "must_fix"]
    if as_json:
        print(json.dumps(preview, indent=2))
        return REFUSED if wrong else OK
    for check in preview["checks"]:
        print(_plain(f"{check['level']:8}  {check['sentence']}"))
    for sentence in preview["warnings"]:
        print(_plain(f"script    {sentence}"))
    for request in preview["requests"]:
        print(_plain(f"{request['server_name']}: {request['method']} {request['path']}"))
    return REFUSED if wrong else OK


def _job(portal: Portal, given: argparse.Namespace) -> int:
    if given.wait:
        return _follow(portal, given, job=given.number)
    found = portal.get_job(given.number)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        _print_rows([_line(found)])
    return OK if not found["ended_at"] or found["state"] == "succeeded" else NOT_DONE


def _jobs(portal: Portal, given: argparse.Namespace) -> int:
    query: dict[str, Any] = {
        "project": given.project,
        "q": given.q,
        "order": given.order,
        "state": given.state,
    }
    rows = portal.list_jobs(**query, limit=max(1, min(given.limit, 200)))
    return _show_jobs(list(itertools.islice(rows, given.limit)), given.json, OK)


def _servers(portal: Portal, given: argparse.Namespace) -> int:
    found = portal.list_servers(project=given.project, q=given.q, limit=max(1, min(given.limit, 200)))
    rows = list(itertools.islice(found, given.limit))
    if given.json:
        print(json.dumps(rows, indent=2))
    else:
        _print_rows(
            [(row["id"], row["name"], row["status"], row["why_not"] or "can be reinstalled") for row in rows]
        )
    return OK


def _key_pairs(portal: Portal, given: argparse.Namespace) -> int:
    found = portal.list_key_pairs(project=given.project, q=given.q, limit=max(1, min(given.limit, 200)))
    rows = list(itertools.islice(found, given.limit))
    if given.json:
        print(json.dumps(rows, indent=2))
    else:
        _print_rows([(row["name"], row["userid"], f"on {row['used_on']} servers") for row in rows])
    return OK


def _cancel(portal: Portal, given: argparse.Namespace) -> int:
    found = portal.cancel_job(given.number)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        _print_rows([_line(found)])
    return OK


def _follow(portal: Portal, given: argparse.Namespace, *, order: int = 0, job: int = 0) -> int:
    """Waits; a portal that does not answer or refuses to tell leaves it unknown how it ends."""
    last: dict[int, JobRow | Job] = {}

    def seen(rows: Sequence[JobRow | Job]) -> None:
        for row in rows:
            before = last.get(row["id"])
            if before is None or before["state"] != row["state"]:
                _progress("  ".join(_line(row)))
            last[row["id"]] = row

    try:
        if job:
            portal.wait_for_job(job, timeout_s=given.timeout, seen=seen)
        else:
            portal.wait_for_order(order, timeout_s=given.timeout, seen=seen)
    except PortalError as error:
        _say(_told(error) if isinstance(error, Problem) else f"ecsportal-cli: {error}", UNKNOWN)
    rows = list(last.values())
    return _show_jobs(rows, given.json, _outcome(rows))


def _outcome(rows: Sequence[JobRow | Job]) -> int:
    """The exit status that these jobs come to."""
    if not rows:
        return UNKNOWN
    if all(row["state"] == "succeeded" for row in rows):
        return OK
    going_on = [row for row in rows if not row["ended_at"] and row["state"] not in _FOR_A_PERSON]
    return UNKNOWN if going_on else NOT_DONE


def _show_jobs(rows: Sequence[JobRow | Job], as_json: bool, status: int) -> int:
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _print_rows([_line(row) for row in rows])
    return status


def _line(row: JobRow | Job) -> tuple[str, ...]:
    said = row.get("step") or row.get("headline") or ""
    return (f"job {row['id']}", row["server"]["name"], row["state"], str(said))


def _print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(_plain("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()))


def _told(problem: Problem) -> str:
    lines = [f"ecsportal-cli: {problem.detail}"]
    lines += [f"  {error['field']}: {error['message']}" for error in problem.errors if error["field"]]
    return "\n".join([*lines, f"  request {problem.request_id}"] if problem.request_id else lines)


def _plain(text: str) -> str:
    """Names and messages come from clouds: nothing in them reaches the terminal as a command."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def _progress(text: str) -> None:
    print(_plain(f"{time.strftime('%H:%M:%S')}  {text}"), file=sys.stderr, flush=True)


def _say(text: str, status: int) -> int:
    print(_plain(text), file=sys.stderr, flush=True)
    return status


def program() -> NoReturn:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    program()
