"""Adds clouds and projects, and tests the connection to them."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from ecsclient import keypairs, kms, servers
from ecsclient.errors import CloudError
from ecsclient.profiles import PROFILES, Profile, UnknownProfile, get_profile
from ecsclient.session import CloudSession
from reinstall.domain.actors import Actor
from reinstall.domain.errors import FieldError, NotAllowed, RuleBroken
from reinstall.models import Cloud, Environment, Membership, Project
from reinstall.services import access, history, links, vault

_FIELDS = {"name", "environment", "profile", "region", "project_id", "endpoints", "credentials"}
_CREDENTIALS = {"aksk": ("access_key", "secret_key"), "password": ("user", "password", "domain")}


def add_project(*, actor: Actor, now: datetime, document: dict[str, Any]) -> Project:
    """Adds a cloud (where it is new) and a project with sealed credentials. Raises RuleBroken naming each field."""
    if not actor.sees_all:
        raise NotAllowed("Clouds and projects are added by an administrator of this portal.")
    errors = _document_errors(document)
    if errors:
        raise RuleBroken.of(errors)
    with transaction.atomic():
        cloud = _cloud_for(document, now)
        project = _new_project(cloud, document, now)
        if actor.user_id is not None:
            Membership.objects.create(user_id=actor.user_id, project=project, role=Membership.Role.ADMIN)
        after = {name: document[name] for name in ("name", "environment", "profile", "region", "project_id")}
        act = history.Act(
            action="project.added",
            object_type="project",
            object_id=project.slug,
            object_label=project.name,
            project_slug=project.slug,
            after=after | {"credentials": document["credentials"]["kind"]},
        )
        history.record(actor=actor, now=now, act=act)
    return project


def _cloud_for(document: dict[str, Any], now: datetime) -> Cloud:
    endpoints = {name: url.rstrip("/") for name, url in (document.get("endpoints") or {}).items()}
    cloud, _ = Cloud.objects.get_or_create(
        profile=document["profile"],
        region=document["region"],
        endpoints=endpoints,
        defaults={"created_at": now},
    )
    return cloud


def _new_project(cloud: Cloud, document: dict[str, Any], now: datetime) -> Project:
    slug = slugify(document["name"])[:60]
    if Project.objects.filter(slug=slug).exists():
        raise RuleBroken(f"There is a project {slug} already; choose another name.", "name", "taken")
    try:
        with transaction.atomic():
            project = Project.objects.create(
                slug=slug,
                name=document["name"],
                environment=document["environment"],
                cloud=cloud,
                project_id=document["project_id"],
                credential_kind=document["credentials"]["kind"],
                credentials_sealed=b"",
                created_at=now,
            )
    except IntegrityError:
        raise RuleBroken("This project of this cloud is here already.", "project_id", "taken") from None
    record = {key: value for key, value in document["credentials"].items() if key != "kind"}
    project.credentials_sealed = vault.seal_record(record, place=links.credentials_place(project))
    project.save(update_fields=["credentials_sealed"])
    return project


def _document_errors(document: dict[str, Any]) -> list[FieldError]:
    errors = [
        FieldError(name, f"There is no field {name}. Known: {', '.join(sorted(_FIELDS))}.", "unknown")
        for name in sorted(set(document) - _FIELDS)
    ]
    for name in ("name", "environment", "profile", "region", "project_id"):
        value = document.get(name)
        if not isinstance(value, str) or not value.strip() or len(value) > 60:
            errors.append(FieldError(name, f"{name} is a text of 1 to 60 characters.", "required"))
    if errors:
        return errors
    if not slugify(document["name"]):
        errors.append(FieldError("name", "The name needs a letter or a digit.", "format"))
    if document["environment"] not in Environment.values:
        errors.append(FieldError("environment", f"Write one of {', '.join(Environment.values)}.", "choice"))
    return errors + _endpoint_errors(document) + _credential_errors(document.get("credentials"))


def _endpoint_errors(document: dict[str, Any]) -> list[FieldError]:
    try:
        profile = get_profile(document["profile"])
    except UnknownProfile:
        return [FieldError("profile", f"Write one of {', '.join(sorted(PROFILES))}.", "choice")]
    endpoints = document.get("endpoints") or {}
    if not isinstance(endpoints, dict) or not all(isinstance(url, str) for url in endpoints.values()):
        return [FieldError("endpoints", "endpoints is an object of service name to URL.", "format")]
    lax = document["environment"] == Environment.SIMULATOR or settings.ALLOW_PRIVATE_ENDPOINTS
    errors = [
        FieldError(f"endpoints.{name}", wrong, "address")
        for name, url in endpoints.items()
        if (wrong := _wrong_address(url, lax=lax))
    ]
    return errors or _missing_endpoints(profile, document["region"], endpoints)


def _missing_endpoints(profile: Profile, region: str, endpoints: dict[str, str]) -> list[FieldError]:
    missing = [
        name for name in ("iam", "ecs", "evs") if not (endpoints.get(name) or profile.endpoint(name, region))
    ]
    if not missing:
        return []
    return [
        FieldError(
            "endpoints",
            f"{profile.title} has no known region {region}; give endpoints for {', '.join(missing)}.",
        )
    ]


def _wrong_address(url: str, *, lax: bool) -> str:
    """Why `url` cannot be an endpoint; empty when it can. Private and http:// only where `lax`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return f"{url} is not an URL."
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.query or parts.fragment:
        return "Write https://host, without user, query or fragment."
    if lax:
        return ""
    if parts.scheme != "https":
        return "Write https://; plain http is for the simulator only."
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return (
            ""
            if "." in host and not host.endswith((".local", ".localhost", ".internal"))
            else f"{host} is private."
        )
    return "" if address.is_global and not address.is_multicast else f"{host} is a private address."


def _credential_errors(credentials: object) -> list[FieldError]:
    if not isinstance(credentials, dict) or credentials.get("kind") not in _CREDENTIALS:
        return [FieldError("credentials.kind", "Write aksk or password.", "choice")]
    names = _CREDENTIALS[credentials["kind"]]
    missing = [
        FieldError(f"credentials.{name}", f"{name} is required.", "required")
        for name in names
        if not isinstance(credentials.get(name), str) or not credentials[name]
    ]
    unknown = sorted(set(credentials) - {"kind", "security_token", *names})
    return missing + [
        FieldError(f"credentials.{name}", f"There is no {name} here.", "unknown") for name in unknown
    ]


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of a connection test. duration in milliseconds."""

    name: str
    ok: bool
    sentence: str
    duration_ms: int


def check_connection(*, actor: Actor, now: datetime, slug: str) -> tuple[CheckStep, ...]:
    """Reads a little of everything a reinstall needs; what a write needs cannot be tested without one."""
    project = access.project_for_reading(actor, slug)
    access.must_manage(actor, project)
    session = links.session_of(project)
    steps: list[tuple[str, Callable[[CloudSession], str]]] = [
        ("servers", lambda s: f"{sum(1 for _ in servers.list_servers(s))} servers listed."),
        ("key_pairs", lambda s: f"{len(list(keypairs.list_keypairs(s)))} key pairs listed."),
        ("kms_keys", lambda s: f"{len(list(kms.list_keys(s)))} KMS keys listed."),
    ]
    done = tuple(_timed(session, name, call) for name, call in steps)
    with transaction.atomic():
        act = history.Act(
            action="project.checked",
            object_type="project",
            object_id=slug,
            object_label=project.name,
            project_slug=slug,
            after={step.name: step.ok for step in done},
        )
        history.record(actor=actor, now=now, act=act)
    return done


def _timed(session: CloudSession, name: str, call: Callable[[CloudSession], str]) -> CheckStep:
    started = time.monotonic()
    try:
        ok, sentence = True, call(session)
    except CloudError as error:
        ok, sentence = False, str(error)
    return CheckStep(name, ok, sentence, round((time.monotonic() - started) * 1000))
