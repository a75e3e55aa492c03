"""Adds clouds and projects."""

import re
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from ecsclient.profiles import PROFILES, Profile, UnknownProfile, get_profile
from reinstall.domain.actors import Actor
from reinstall.domain.addresses import wrong_endpoint
from reinstall.domain.errors import FieldError, NotAllowed, RuleBroken
from reinstall.models import Cloud, Environment, Membership, Project
from reinstall.services import history, links, proof, vault

_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
#: Those the portal calls, and two more that a list of a cloud's endpoints usually has.
_SERVICES = (*links.SERVICES, "kps", "vpc")
#: Addresses under /clouds/ that are no project.
_TAKEN_SLUGS = ("new",)
_FIELDS = {"name", "environment", "profile", "region", "project_id", "endpoints", "credentials"}
_CREDENTIALS = {"aksk": ("access_key", "secret_key"), "password": ("user", "password", "domain")}


def add_project(*, actor: Actor, now: datetime, document: dict[str, Any]) -> Project:
    """Adds a cloud (where it is new) and a project with sealed credentials.

    Raises RuleBroken naming each field that is wrong, NotAllowed for anybody but an administrator.
    """
    must_add(actor)
    errors = _document_errors(document)
    if errors:
        raise RuleBroken.of(errors)
    wanted = Project(name=document["name"], environment=document["environment"])
    proof.must_be_proved(actor, now=now, project=wanted)
    with transaction.atomic():
        cloud = _cloud_for(document, now)
        project = _new_project(cloud, document, actor, now)
        if actor.user_id is not None:
            Membership.objects.create(user_id=actor.user_id, project=project, role=Membership.Role.ADMIN)
        after = {name: document[name] for name in ("name", "environment", "profile", "region", "project_id")}
        act = history.project_act(
            project, "project.added", after=after | {"credentials": document["credentials"]["kind"]}
        )
        history.record(actor=actor, now=now, act=act)
    return project


def must_add(actor: Actor) -> None:
    """Raises NotAllowed unless `actor` may add clouds and projects."""
    if not actor.sees_all:
        raise NotAllowed("Clouds and projects are added by an administrator of this portal.")
    if actor.scopes is not None and "request" not in actor.scopes:
        raise NotAllowed('This token may read only. This act needs a token with the scope "request".')


def _cloud_for(document: dict[str, Any], now: datetime) -> Cloud:
    given = document.get("endpoints") or {}
    # In one order and spelling: the same addresses are the same cloud.
    endpoints = {name: given[name].rstrip("/").lower() for name in sorted(given)}
    cloud, _ = Cloud.objects.get_or_create(
        profile=document["profile"],
        region=document["region"],
        endpoints=endpoints,
        defaults={"created_at": now},
    )
    return cloud


def _new_project(cloud: Cloud, document: dict[str, Any], actor: Actor, now: datetime) -> Project:
    slug = slugify(document["name"])[:60]
    if Project.objects.filter(slug=slug).exists():
        raise RuleBroken(f"There is a project {slug} already; choose another name.", "name", "taken")
    if _is_here(cloud, document["project_id"]):
        raise RuleBroken("This project of this cloud is here already.", "project_id", "taken")
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
                credentials_set_at=now,
                credentials_set_by_name=actor.name,
                created_at=now,
            )
    except IntegrityError:
        raise RuleBroken("This project of this cloud is here already.", "project_id", "taken") from None
    project.credentials_sealed = sealed_for(project, document["credentials"])
    project.save(update_fields=["credentials_sealed"])
    return project


def sealed_for(project: Project, credentials: dict[str, str]) -> bytes:
    """Credentials of a document, sealed for the row of `project`."""
    record = {key: value for key, value in credentials.items() if key != "kind"}
    return vault.seal_record(record, place=links.credentials_place(project))


def _is_here(cloud: Cloud, project_id: str) -> bool:
    """Whether a row reaches the same project at the same place, however its cloud was written down."""
    same_id = Project.objects.select_related("cloud").filter(project_id=project_id)
    address = links.endpoints_in(cloud).get("ecs")
    return any(links.endpoints_of(project).get("ecs") == address for project in same_id)


def _document_errors(document: dict[str, Any]) -> list[FieldError]:
    errors = [
        FieldError(name, f"There is no field {name}. Known: {', '.join(sorted(_FIELDS))}.", "unknown")
        for name in sorted(set(document) - _FIELDS)
    ]
    for name in ("name", "environment", "profile", "region", "project_id"):
        if not is_line(document.get(name)):
            errors.append(FieldError(name, f"{name} is a line of 1 to 60 characters.", "required"))
    if errors:
        return errors
    if not slugify(document["name"]):
        errors.append(FieldError("name", "The name needs a letter or a digit.", "format"))
    elif slugify(document["name"]) in _TAKEN_SLUGS:
        errors.append(FieldError("name", "A page of this portal has this name; choose another.", "taken"))
    if document["environment"] not in Environment.values:
        errors.append(FieldError("environment", f"Write one of {', '.join(Environment.values)}.", "choice"))
    if not _PROJECT_ID.fullmatch(document["project_id"]):
        errors.append(FieldError("project_id", "A project id has 32 characters, 0-9 and a-f.", "format"))
    return errors + _endpoint_errors(document) + credential_errors(document.get("credentials"))


def is_line(value: object) -> bool:
    """Whether it is a name: one line of 1 to 60 characters without white space around it."""
    return (
        isinstance(value, str) and value == value.strip() != "" and len(value) <= 60 and value.isprintable()
    )


def _endpoint_errors(document: dict[str, Any]) -> list[FieldError]:
    try:
        profile = get_profile(document["profile"])
    except UnknownProfile:
        return [FieldError("profile", f"Write one of {', '.join(sorted(PROFILES))}.", "choice")]
    endpoints = document.get("endpoints")
    endpoints = {} if endpoints is None else endpoints
    if not isinstance(endpoints, dict) or not all(isinstance(url, str) for url in endpoints.values()):
        return [FieldError("endpoints", "endpoints is an object of service name to URL.", "format")]
    unknown = sorted(set(endpoints) - set(_SERVICES))
    if unknown:
        known = ", ".join(_SERVICES)
        return [FieldError(f"endpoints.{unknown[0]}", f"The services are {known}.", "unknown")]
    lax = links.may_be_private(document["environment"])
    errors = [
        FieldError(f"endpoints.{name}", wrong, "address")
        for name, url in endpoints.items()
        if (wrong := wrong_endpoint(url, lax=lax))
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


def credential_errors(credentials: object) -> list[FieldError]:
    """What is wrong with credentials of a document, each as "credentials.<name>"; no value is told."""
    kind = credentials.get("kind") if isinstance(credentials, dict) else None
    if not isinstance(credentials, dict) or not isinstance(kind, str) or kind not in _CREDENTIALS:
        return [FieldError("credentials.kind", "Write aksk or password.", "choice")]
    names = _CREDENTIALS[kind]
    optional = ("security_token",) if kind == "aksk" else ()
    missing = [
        FieldError(f"credentials.{name}", f"{name} is required: a text without line ends.", "required")
        for name in (*names, *(set(optional) & set(credentials)))
        if not _is_secret(credentials.get(name))
    ]
    unknown = sorted(set(credentials) - {"kind", *optional, *names})
    return missing + [
        FieldError(f"credentials.{name}", f"There is no {name} here.", "unknown") for name in unknown
    ]


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value) <= 8192 and value.isprintable()
