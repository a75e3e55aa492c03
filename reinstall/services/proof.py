"""What a session has to prove before an act: a second factor at all, and a fresh one for the gravest.

Only browsers are asked. A token was made by somebody who had proved it; commands and the engine have no
session.
"""

from datetime import datetime, timedelta

from django.conf import settings

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import NeedsProof, NeedsSecondFactor
from reinstall.models import Environment, Project

#: So long a proof counts as fresh.
FRESH = timedelta(minutes=5)


def is_asked(project: Project | None) -> bool:
    """Whether the policy of this portal asks for a second factor in `project`; None: in the portal itself.

    The portal itself is as serious as the gravest project it holds.
    """
    if settings.SECOND_FACTOR != "real":
        return bool(settings.SECOND_FACTOR == "always")
    if project is not None:
        return project.environment != Environment.SIMULATOR
    return Project.objects.exclude(environment=Environment.SIMULATOR).exists()


def must_have_second_factor(actor: Actor, project: Project | None) -> None:
    """Raises NeedsSecondFactor where the policy asks for one and the session was signed in without."""
    if actor.source != Source.BROWSER or actor.second_factor or not is_asked(project):
        return
    where = f" in {project.name}" if project is not None else ""
    raise NeedsSecondFactor(f"This act{where} needs a sign-in with a second factor.")


def must_be_proved(actor: Actor, *, now: datetime, project: Project | None = None) -> None:
    """Raises NeedsProof where the policy asks for a fresh proof and the last one is more than 5 minutes old.

    Raises NeedsSecondFactor where the session has none: the proof is one with the second factor.
    """
    if actor.source != Source.BROWSER or not is_asked(project):
        return
    must_have_second_factor(actor, project)
    must_be_fresh(actor, now=now)


def must_be_proved_to_wipe(actor: Actor, *, now: datetime, project: Project) -> None:
    """The second factor, and a fresh one where the project is production (or the policy is `always`)."""
    must_have_second_factor(actor, project)
    if project.environment == Environment.PRODUCTION or settings.SECOND_FACTOR == "always":
        must_be_proved(actor, now=now, project=project)


def must_be_fresh(actor: Actor, *, now: datetime) -> None:
    """Raises NeedsProof for a browser without a proof of the last 5 minutes, whatever the policy says.

    With the password, where the person has no second factor: for their own factors and password.
    """
    if actor.source == Source.BROWSER and not is_fresh(actor.proved_at, now):
        raise NeedsProof("This act needs a fresh proof of who you are: the last one is over 5 minutes old.")


def is_fresh(proved_at: datetime | None, now: datetime) -> bool:
    """Whether a proof of then still counts."""
    return proved_at is not None and now - FRESH <= proved_at <= now + timedelta(seconds=1)
