"""Changes to a project: its name, what is at stake in it, the credentials that act in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.addresses import wrong_endpoint
from reinstall.domain.errors import Conflict, FieldError, RuleBroken
from reinstall.models import Environment, Project
from reinstall.services import access, connection, history, links, proof
from reinstall.services.clouds import credential_errors, is_line, sealed_for
from reinstall.services.connection import SIGNING_IN, CheckStep

#: Code of the refusal of credentials that do not work.
UNTESTED = "credentials_failed"
STALE = "stale"


class CredentialsFailed(RuleBroken):
    """New credentials did not work; the old ones stay. `steps` is the test, up to the step that failed."""

    def __init__(self, steps: tuple[CheckStep, ...]) -> None:
        failed = next(step for step in steps if not step.ok)
        super().__init__(
            f"The old credentials stay: {failed.title} failed with the new ones. {failed.sentence}",
            "credentials",
            UNTESTED,
        )
        self.steps = steps
        self.failed = failed


@dataclass(frozen=True, slots=True)
class Rotated:
    """Credentials that became current, with the test that let them."""

    project: Project
    steps: tuple[CheckStep, ...]


def change_project(
    *, actor: Actor, now: datetime, slug: str, version: int, changes: Mapping[str, str]
) -> Project:
    """Sets `name` and `environment`, those of them that are in `changes`.

    version: the one the person saw; raises Conflict (code "stale") where there is a newer one. Raises
    RuleBroken naming each field that is wrong, NotFound, NotAllowed.
    """
    with transaction.atomic():
        project = access.project_for_reading(actor, slug)
        access.must_manage(actor, project)
        proof.must_have_second_factor(actor, project)
        if project.version != version:
            raise _stale(project)
        before = {name: getattr(project, name) for name in ("name", "environment")}
        errors = _change_errors(actor, project, changes)
        if errors:
            raise RuleBroken.of(errors)
        after = {name: value for name, value in changes.items() if before[name] != value}
        if after:
            same = Project.objects.filter(pk=project.pk, version=version)
            if not same.update(**after, version=version + 1):
                raise _stale(project)
            project.refresh_from_db()
            old = {name: before[name] for name in after}
            _record(actor, now, project, "project.changed", before=old, after=after)
    return project


def _stale(project: Project) -> Conflict:
    return Conflict(f"{project.name} was changed since this was read. Nothing was written.", code=STALE)


def _change_errors(actor: Actor, project: Project, changes: Mapping[str, str]) -> list[FieldError]:
    errors = [
        FieldError(name, f"There is no field {name} to change. Known: environment, name.", "unknown")
        for name in sorted(set(changes) - {"name", "environment"})
    ]
    if "name" in changes and not is_line(changes["name"]):
        errors.append(FieldError("name", "name is a line of 1 to 60 characters.", "required"))
    wanted = changes.get("environment", project.environment)
    if wanted not in Environment.values:
        errors.append(FieldError("environment", f"Write one of {', '.join(Environment.values)}.", "choice"))
    elif wanted != project.environment and (wrong := _wrong_environment(actor, project, wanted)):
        errors.append(FieldError("environment", wrong, "address"))
    return errors


def _wrong_environment(actor: Actor, project: Project, wanted: str) -> str:
    """Why the addresses of the project do not fit that environment; "" where they do."""
    if Environment.SIMULATOR in (wanted, project.environment) and not actor.sees_all:
        # It decides which addresses may be called, and whether pages say that nothing real can be wiped.
        return "Only an administrator of this portal makes a project simulated, or takes that back."
    profile, endpoints = links.profile_of(project), links.endpoints_of(project)
    if wanted == Environment.SIMULATOR and profile.domain:
        hosts = (f".{urlsplit(url).hostname or ''}" for url in endpoints.values())
        real = next((host[1:] for host in hosts if host.endswith(f".{profile.domain}")), "")
        if real:
            return f"{real} is an address of {profile.title}, where real servers can be wiped."
    lax = links.may_be_private(wanted)
    wrong = {name: wrong_endpoint(url, lax=lax) for name, url in sorted(endpoints.items())}
    return " ".join(f"{name}: {why}" for name, why in wrong.items() if why)


def rotate_credentials(*, actor: Actor, now: datetime, slug: str, credentials: dict[str, Any]) -> Rotated:
    """Makes `credentials` current, once a sign-in and the list of servers worked with them.

    Raises CredentialsFailed (a RuleBroken of code "credentials_failed") where they did not: the old ones
    stay, and the try is audited. Raises Conflict where somebody else set others meanwhile, and RuleBroken,
    NotFound and NotAllowed before anything is asked of the cloud.
    """
    project = access.project_for_reading(actor, slug)
    access.must_manage(actor, project)
    errors = credential_errors(credentials)
    if errors:
        raise RuleBroken.of(errors)
    proof.must_be_proved(actor, now=now, project=project)
    kind = credentials["kind"]
    steps = list[CheckStep]()
    for step in connection.steps_with(project, kind=kind, record=credentials, names=SIGNING_IN):
        steps.append(step)
        if step.name in ("sign_in", "servers") and not step.ok:
            raise _refused(actor, now, project, tuple(steps))
    with transaction.atomic():
        _set(actor, now, project, credentials)
    return Rotated(project, tuple(steps))


def _refused(
    actor: Actor, now: datetime, project: Project, steps: tuple[CheckStep, ...]
) -> CredentialsFailed:
    failure = CredentialsFailed(steps)
    with transaction.atomic():
        after = {"failed": failure.failed.name, "kept_version": project.credential_version}
        _record(actor, now, project, "project.credentials_refused", after=after)
    return failure


def _set(actor: Actor, now: datetime, project: Project, credentials: dict[str, Any]) -> None:
    values = {
        "credential_kind": credentials["kind"],
        "credentials_sealed": sealed_for(project, credentials),
        "credential_version": project.credential_version + 1,
        "credentials_set_at": now,
        "credentials_set_by_name": actor.name[:150],
    }
    # Of two who rotate at once the second is told: their test did not know of the first.
    same = Project.objects.filter(pk=project.pk, credential_version=project.credential_version)
    if not same.update(**values):
        raise Conflict(f"Other credentials of {project.name} were set meanwhile. These were not.", code=STALE)
    before = {"credentials": project.credential_kind, "version": project.credential_version}
    for name, value in values.items():
        setattr(project, name, value)
    after = {"credentials": project.credential_kind, "version": project.credential_version}
    _record(actor, now, project, "project.credentials_set", before=before, after=after)


def _record(
    actor: Actor,
    now: datetime,
    project: Project,
    action: str,
    *,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    act = history.project_act(project, action, before=before, after=after)
    history.record(actor=actor, now=now, act=act)
