"""Previews and places orders: one decision of one person about one or many servers."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db import IntegrityError, transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, FieldError, NotAllowed, NotFound, RuleBroken
from reinstall.domain.redaction import plain_text
from reinstall.domain.spec import ReinstallSpec, Wanted, user_data_warnings
from reinstall.domain.verdicts import Check, Level
from reinstall.models import Environment, Order, PresetVersion, Project, Server
from reinstall.services import (
    access,
    approvers,
    checks,
    glance,
    guards,
    preset_use,
    proof,
    reviews,
    throttles,
)
from reinstall.services.placing import Decision, store_order
from reinstall.services.previews import Preview, PreviewedRequest, curl_of, requests_of
from reinstall.services.requests import (
    OrderRequest,
    confirm_phrase,
    facts_of,
    request_hashes,
    spec_of,
    typed_phrase,
    versions_of,
    without,
)

__all__ = [
    "OrderRequest",
    "Placed",
    "Preview",
    "PreviewedRequest",
    "confirm_phrase",
    "phrase_of_server",
    "place_order",
    "preview_incomplete",
    "preview_order",
    "typed_phrase",
]

MAX_SERVERS = 10_000


@dataclass(frozen=True, slots=True)
class Placed:
    """The order of a request; `created` is False when this submission was placed before."""

    order: Order
    created: bool


def preview_order(*, actor: Actor, now: datetime, request: OrderRequest) -> Preview:
    """Checks and the exact requests, after a glance at the cloud; stores no order. Ignores `confirm`."""
    project = access.project_for_requests(actor, request.project)
    servers = _servers(project, request.servers)
    used = _used(project, request)
    spec = spec_of(project, request)
    servers, seen, judged = _looked_over(project, servers, request, spec, now)
    facts = [facts_of(server) for server in servers]
    versions = versions_of(project, facts)
    hashes = [""] * len(facts) if spec.adminpass else request_hashes(project, facts, spec, versions)
    calls = [(versions[fact.server_id], digest) for fact, digest in zip(facts, hashes, strict=True)]
    previews = requests_of(project, facts, calls, spec)
    warnings = user_data_warnings(spec.user_data, checks.system_of(servers))
    of_all = (
        *preset_use.checks(used, spec),
        *approvers.checks(project, actor),
        *checks.of_the_cloud(seen),
    )
    names = tuple(server.name for server in servers)
    return Preview(of_all, tuple(judged), names, previews, warnings, curl_of(project, previews), seen.fresh)


def preview_incomplete(
    *, actor: Actor, now: datetime, request: OrderRequest, refused: Collection[str]
) -> Preview:
    """The checks that do not rest on the fields `refused`, after a glance at the cloud; no request."""
    project = access.project_for_requests(actor, request.project)
    servers = _servers(project, request.servers)
    wanted = without(request, refused)
    servers, seen, judged = _looked_over(project, servers, request, wanted, now)
    used = _used(project, request) if "preset" not in refused else None
    of_all = (
        *preset_use.checks(used, wanted),
        *approvers.checks(project, actor),
        *checks.of_the_cloud(seen),
    )
    kept = tuple(tuple(check for check in found if check.field not in refused) for found in judged)
    names = tuple(server.name for server in servers)
    return Preview(of_all, kept, names, (), (), "", seen.fresh)


def _looked_over(
    project: Project, servers: list[Server], request: OrderRequest, wanted: Wanted, now: datetime
) -> tuple[list[Server], glance.Glance, list[tuple[Check, ...]]]:
    """The servers after a glance at the cloud, what was asked there, and the checks of each."""
    seen = glance.look(project, servers, keyname=wanted.keyname, cmkid=wanted.cmkid, now=now)
    if seen.asked:
        servers = _servers(project, request.servers)
    return servers, seen, checks.check_requests(project, servers, wanted, seen, request.reviewed)


def _used(project: Project, request: OrderRequest) -> preset_use.InUse | None:
    """The preset the request names. Raises RuleBroken where it cannot be used."""
    return preset_use.in_project(project, request.preset) if request.preset else None


def place_order(*, actor: Actor, now: datetime, request: OrderRequest, submission_id: uuid.UUID) -> Placed:
    """Places the order and its jobs, or returns the one this submission made before.

    Raises RuleBroken naming every field (TooMany where there were too many), Conflict when a job holds one of
    the servers, NotFound, NotAllowed.
    """
    project = access.project_for_requests(actor, request.project)
    if actor.user_id is None:
        raise NotAllowed("An order needs a person who answers for it; sign in or use a token.")
    proof.must_be_proved_to_wipe(actor, now=now, project=project)
    guards.must_accept_orders()
    earlier = _earlier(actor.user_id, project, submission_id)
    if earlier is not None:
        return Placed(earlier, created=False)
    servers = _servers(project, request.servers)
    try:
        spec, preset = _judged(project, servers, request)
        throttles.spend_order(person_id=actor.user_id, project_slug=project.slug, now=now)
        with transaction.atomic():
            order = store_order(
                Decision(actor, now, project, request, spec, servers, submission_id, actor.user_id, preset)
            )
    except (Conflict, IntegrityError) as error:
        # Somebody was faster: this same submission in another tab, or another person on one of the servers.
        earlier = _earlier(actor.user_id, project, submission_id)
        if earlier is not None:
            return Placed(earlier, created=False)
        if isinstance(error, Conflict) or "unique" not in str(error).lower():
            raise
        raise _held(servers) from None
    return Placed(order, created=True)


def phrase_of_server(server_id: uuid.UUID) -> str:
    """What a person types to reinstall this one server."""
    return typed_phrase([Server.objects.get(pk=server_id)])


def _earlier(user_id: int, project: Project, submission_id: uuid.UUID) -> Order | None:
    """What this person placed with this submission, in the project they may see now."""
    mine = Order.objects.filter(requested_by_id=user_id, project=project)
    return mine.filter(submission_id=submission_id).first()


def _servers(project: Project, ids: Sequence[str]) -> list[Server]:
    """The servers in the order given. Raises RuleBroken or NotFound."""
    if not ids:
        raise RuleBroken("Name at least one server.", "servers", "required")
    keys = [_server_key(text) for text in ids[: MAX_SERVERS + 1]]
    if len(keys) > MAX_SERVERS or len(set(keys)) != len(keys):
        raise RuleBroken(f"Name each server once, at most {MAX_SERVERS:,}.", "servers")
    rows = {
        row.pk: row for row in Server.objects.filter(project=project, pk__in=keys).prefetch_related("disks")
    }
    missing = [str(key) for key in keys if key not in rows]
    if missing:
        raise NotFound(f"There is no server {missing[0]} in {project.name}.")
    return [rows[key] for key in keys]


def _server_key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        sentence = f"{plain_text(text, 60)} is not the id of a server: 36 characters with hyphens."
        raise RuleBroken(sentence, "servers", "format") from None


def _judged(
    project: Project, servers: list[Server], request: OrderRequest
) -> tuple[ReinstallSpec, PresetVersion | None]:
    """The spec and the preset it came from, when nothing is wrong with the request; else RuleBroken with all
    that is, or Conflict."""
    errors: list[FieldError] = []
    spec = used = None
    try:
        used = _used(project, request)
    except RuleBroken as broken:
        errors.extend(broken.errors)
    try:
        spec = spec_of(project, request)
    except RuleBroken as broken:
        errors.extend(broken.errors)
    errors.extend(reviews.stale(servers, request.reviewed))
    errors.extend(_form_errors(project, servers, request))
    if spec is not None:
        found = list(chain.from_iterable(checks.check_requests(project, servers, spec)))
        if any(check.name == "held" and check.level is Level.MUST_FIX for check in found):
            raise _held(servers)
        errors.extend(FieldError(c.field, c.sentence, c.name) for c in found if c.level is Level.MUST_FIX)
    if errors or spec is None:
        raise RuleBroken.of(errors)
    return spec, used.version if used else None


def _form_errors(project: Project, servers: list[Server], request: OrderRequest) -> list[FieldError]:
    errors = []
    if len(request.reason) > 500:
        errors.append(
            FieldError("reason", f"The reason has {len(request.reason)} characters; 500 is the most.")
        )
    # A browser sends line ends as CR LF; those are fine.
    reason = request.reason.replace("\r\n", "\n")
    if plain_text(reason, len(reason)) != reason:
        errors.append(
            FieldError("reason", "The reason holds control characters; write plain text.", "format")
        )
    if project.environment == Environment.PRODUCTION and not request.reason.strip():
        errors.append(FieldError("reason", "Say why: a reason is required in production.", "required"))
    if request.not_before is not None:
        errors.append(
            FieldError("not_before", "Starting later is not offered yet; leave it out.", "not_offered")
        )
    phrase = typed_phrase(servers)
    if request.confirm.strip() != phrase.strip():
        kind = "the server name" if len(servers) == 1 else "the sentence"
        errors.append(FieldError("confirm", f"Type {kind} exactly as shown: {phrase}", "mismatch"))
    return errors


def _held(servers: list[Server]) -> Conflict:
    holders = checks.holders(servers)
    for server in servers:
        job = holders.get(server.pk)
        if job is not None:
            return Conflict(
                f"{checks.held_sentence(job)} Yours was not sent.", job=job.pk, field="servers", code="held"
            )
    return Conflict(
        "Another request was faster. Yours was not sent; look again and send it once more.", code="race"
    )
