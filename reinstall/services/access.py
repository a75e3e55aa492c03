"""Who may do what: rights and roles."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.domain.roles import PEOPLE_ONLY, Right, missing_right, roles_with
from reinstall.models import Membership, Project
from reinstall.services import history, proof


def project_for_reading(actor: Actor, slug: str) -> Project:
    """The project, if `actor` may see it; NotFound otherwise, whichever of the two it is."""
    project = Project.objects.visible_to(actor).select_related("cloud").filter(slug=slug).first()
    if project is None:
        raise NotFound(f"There is no project {slug}.")
    return project


def project_for_requests(actor: Actor, slug: str) -> Project:
    """The project, if `actor` may wipe servers in it. Raises NotFound, or NotAllowed naming the right."""
    project = project_for_reading(actor, slug)
    must_have(actor, project, Right.REQUEST)
    return project


def must_manage(actor: Actor, project: Project) -> None:
    """Raises NotAllowed unless `actor` administers `project`."""
    must_have(actor, project, Right.MANAGE)


def must_have(actor: Actor, project: Project, right: Right) -> None:
    """Raises NotAllowed, naming what is missing, unless `actor` has `right` in `project`, which they see."""
    if actor.scopes is not None and right in PEOPLE_ONLY:
        raise NotAllowed("A token cannot do this. It is decided by a person: sign in to do it.")
    if actor.scopes is not None and "request" not in actor.scopes:
        raise NotAllowed('This token may read only. This act needs a token with the scope "request".')
    if not has(actor, project, right):
        raise NotAllowed(missing_right(right, project.name))


def person_may(person: User, project: Project, right: Right) -> bool:
    """Whether `person`, signed in, has `right` in `project`."""
    if person.is_superuser or not person.is_active:
        return person.is_active
    return _members(project, right).filter(user=person).exists()


def person_may_request(person: User, project: Project) -> bool:
    """Whether `person`, signed in, may wipe servers in `project`."""
    return person_may(person, project, Right.REQUEST)


def has(actor: Actor, project: Project, right: Right) -> bool:
    """Whether the person who acts has `right` in `project`; a token's scopes are not looked at."""
    if actor.sees_all:
        return True
    return actor.user_id is not None and _members(project, right).filter(user_id=actor.user_id).exists()


def _members(project: Project, right: Right) -> QuerySet[Membership]:
    return Membership.objects.filter(project=project, role__in=roles_with(right))


def must_give_roles(actor: Actor, project: Project) -> None:
    """Raises NotAllowed unless `actor`, in this session, may give and take roles in `project`."""
    must_manage(actor, project)
    proof.must_have_second_factor(actor, project)


def set_role(*, actor: Actor, now: datetime, user_id: int, project: Project, role: str) -> Membership:
    """Gives a person a role in a project, in place of the one they had. Needs the role admin there.

    Nothing is done where it is theirs already. Raises RuleBroken naming role, NotAllowed, NotFound.
    """
    must_give_roles(actor, project)
    if role not in Membership.Role.values:
        raise RuleBroken(f"Write one of {', '.join(Membership.Role.values)}.", "role", "choice")
    if not User.objects.filter(pk=user_id).exists():
        raise NotFound(f"There is no account {user_id}.")
    with transaction.atomic():
        before = Membership.objects.filter(user_id=user_id, project=project).first()
        if before is not None and before.role == role:
            return before
        _must_leave_an_admin(actor, project, user_id)
        made, _ = Membership.objects.update_or_create(
            user_id=user_id, project=project, defaults={"role": role}
        )
        act = _role_act("role.given", made, {"role": before.role} if before else {}, {"role": role})
        history.record(actor=actor, now=now, act=act)
    return made


def end_role(*, actor: Actor, now: datetime, user_id: int, project: Project) -> None:
    """Takes a person's role in a project away; nothing happens when there is none.

    Raises RuleBroken naming role, NotAllowed.
    """
    must_give_roles(actor, project)
    with transaction.atomic():
        _must_leave_an_admin(actor, project, user_id)
        found = Membership.objects.select_related("user").filter(user_id=user_id, project=project).first()
        if found is not None:
            act = _role_act("role.ended", found, {"role": found.role}, {})
            found.delete()
            history.record(actor=actor, now=now, act=act)


def _must_leave_an_admin(actor: Actor, project: Project, user_id: int) -> None:
    """Raises RuleBroken where the last admin would lock themselves out. A superuser can let them in again."""
    if actor.sees_all or actor.user_id != user_id:
        return
    admins = Membership.objects.filter(project=project, role=Membership.Role.ADMIN, user__is_active=True)
    # Locked: of two admins who leave at the same time the second one finds that they are the last.
    locked = admins.select_for_update(of=("self",)).order_by("pk")
    if set(locked.values_list("user_id", flat=True)) == {user_id}:
        raise RuleBroken(
            f"You are the last admin of {project.name}. Give somebody else the role admin first.",
            "role",
            "last_admin",
        )


def _role_act(
    action: str, member: Membership, before: dict[str, object], after: dict[str, object]
) -> history.Act:
    name = member.user.get_username()
    return history.Act(
        action=action,
        object_type="membership",
        object_id=f"{member.project.slug}/{name}",
        object_label=f"{name} in {member.project.name}",
        project_slug=member.project.slug,
        before=before,
        after=after,
    )
