"""The account of somebody who came by single sign-on; their roles follow their groups at each sign-in."""

import logging
from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import RuleBroken
from reinstall.domain.signon import SignOn
from reinstall.models import Membership, Project
from reinstall.services import access, accounts
from reinstall.services.oidc import Claims

log = logging.getLogger(__name__)

#: Who changes rights at a sign-in: nobody of this portal.
PROVIDER = Actor(user_id=None, name="single sign-on", source=Source.SYSTEM, sees_all=True)


def person_of(*, now: datetime, sign_on: SignOn, claims: Claims) -> User:
    """The account of that person, made where there is none, with the rights their groups give.

    Raises RuleBroken where the name is that of a local account: nobody gets into one by being called alike.
    """
    with transaction.atomic():
        known = SocialAccount.objects.select_related("user").filter(
            provider=sign_on.issuer, uid=claims.subject
        )
        account = known.first()
        user = account.user if account is not None else _new_person(now, sign_on, claims)
        if not user.is_active:
            raise RuleBroken("This account is disabled. Whoever runs this portal can enable it.")
        _set_rank(now, sign_on, claims, user)
        _set_roles(now, sign_on, claims, user)
    return user


def _new_person(now: datetime, sign_on: SignOn, claims: Claims) -> User:
    name = claims.username[:150]
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError:
        raise RuleBroken("Your name at the identity provider cannot be a user name here.") from None
    if User.objects.filter(username__iexact=name).exists():
        raise RuleBroken(
            f"There is a local account {name} already. Sign in with its password, "
            "or ask whoever runs this portal to rename it."
        )
    user = User.objects.create_user(name, email=claims.email)
    SocialAccount.objects.create(user=user, provider=sign_on.issuer, uid=claims.subject)
    accounts.note_account(actor=PROVIDER, now=now, user=user, verb="added", note=sign_on.issuer)
    return user


def _set_rank(now: datetime, sign_on: SignOn, claims: Claims, user: User) -> None:
    """Staff and superuser, where groups are set up for them."""
    before = (user.is_staff, user.is_superuser)
    groups = set(claims.groups)
    if sign_on.staff:
        user.is_staff = bool(groups & sign_on.staff)
    if sign_on.superusers:
        user.is_superuser = bool(groups & sign_on.superusers)
        user.is_staff = user.is_staff or user.is_superuser
    if before != (user.is_staff, user.is_superuser):
        user.save(update_fields=["is_staff", "is_superuser"])
        accounts.note_account(actor=PROVIDER, now=now, user=user, verb="changed", note="by groups")


def _set_roles(now: datetime, sign_on: SignOn, claims: Claims, user: User) -> None:
    """Roles in the projects that groups are set up for; in all others they stay as they are."""
    wanted = sign_on.roles_of(claims.groups)
    had = dict(Membership.objects.filter(user=user).values_list("project__slug", "role"))
    for project in Project.objects.filter(slug__in=sign_on.projects).order_by("slug"):
        role = wanted.get(project.slug, "")
        if role == had.get(project.slug, ""):
            continue
        if not role:
            access.end_role(actor=PROVIDER, now=now, user_id=user.pk, project=project)
        elif role in Membership.Role.values:
            access.set_role(actor=PROVIDER, now=now, user_id=user.pk, project=project, role=role)
        else:
            log.warning("single sign-on: there is no role %s here", role)
