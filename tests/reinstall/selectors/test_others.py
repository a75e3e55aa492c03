from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.states import JobState, OrderState
from reinstall.models import ApiToken, AuditEvent, Project
from reinstall.selectors import audit, keypairs, orders, projects, tokens
from reinstall.selectors.audit import AuditFilters
from tests.reinstall.rows import (
    T0,
    a_job,
    a_key_pair,
    a_kms_key,
    a_person,
    a_project,
    a_server,
    an_actor,
    an_event,
    an_order,
)

S = JobState


def order_with(shop: Project, *states: JobState) -> int:
    order = an_order(shop, shop.memberships.get().user)
    for state in states:
        a_job(order, a_server(shop), state)
    return order.pk


@pytest.mark.parametrize("wanted", list(OrderState))
def test_the_filter_and_the_order_agree_on_the_state(shop: Project, bob: Actor, wanted: OrderState):
    mixes = [
        (S.QUEUED,),
        (S.RUNNING, S.SUCCEEDED),
        (S.ATTENTION, S.CANCELLED),
        (S.SUCCEEDED, S.FAILED),
        (S.SUCCEEDED, S.CANCELLED),
        (S.CANCELLED, S.EXPIRED),
        (S.AWAITING_APPROVAL,),
        (S.AWAITING_APPROVAL, S.RUNNING),
        (S.NOT_APPLIED,),
    ]
    every = {order_with(shop, *mix) for mix in mixes}
    told = {order.id: order.state for order in orders.order_page(bob).items}
    assert set(told) == every
    found = {order.id for order in orders.order_page(bob, state=wanted).items}
    assert found == {key for key, state in told.items() if state == wanted}


def test_an_order_counts_its_jobs_and_lists_them_in_its_order(shop: Project, bob: Actor):
    order = an_order(shop, shop.memberships.get().user)
    last = a_job(order, a_server(shop, "a"), S.SUCCEEDED, position=1)
    first = a_job(order, a_server(shop, "z"), S.QUEUED, position=0)
    view = orders.get_order(bob, order.pk)
    assert view.counts == {"queued": 1, "succeeded": 1}
    assert [job.id for job in view.jobs] == [first.pk, last.pk]


def test_orders_are_scoped(shop: Project, bob: Actor):
    other = a_project("other")
    foreign = an_order(other, a_person("eve", other))
    assert orders.order_page(bob).items == ()
    with pytest.raises(NotFound):
        orders.get_order(bob, foreign.pk)
    with pytest.raises(RuleBroken):
        orders.order_page(bob, state="done")


def test_projects_are_scoped_and_rights_told(shop: Project, bob: Actor):
    other = a_project("other")
    assert [project.slug for project in projects.visible_projects(bob)] == ["shop"]
    with pytest.raises(NotFound):
        projects.get_project(bob, "other")
    viewer = an_actor(a_person("eve", shop, other, role="viewer"))
    assert projects.may_request(bob, shop) and not projects.may_request(viewer, shop)
    assert [found.slug for found in projects.project_page(viewer, q="oth").items] == ["other"]


def test_key_pairs_say_where_they_are_used(shop: Project, bob: Actor):
    a_key_pair(shop, "ops")
    a_key_pair(shop, "old", gone_at=T0)
    a_key_pair(a_project("other"), "foreign")
    for name in ("a", "b"):
        a_server(shop, name, keyname="ops")
    a_server(shop, "c", keyname="ops", gone_at=T0)
    assert [(pair.name, pair.used_on, pair.gone) for pair in keypairs.key_pairs(bob)] == [("ops", 2, False)]
    every = keypairs.key_pairs(bob, shop, include_gone=True)
    assert [(pair.name, pair.gone) for pair in every] == [("old", True), ("ops", False)]
    assert [pair.name for pair in keypairs.key_pair_page(bob, project="shop", q="OP").items] == ["ops"]
    assert keypairs.key_pair_page(bob, userid="nobody").items == ()


def test_kms_keys_say_whether_they_can_be_chosen(shop: Project, bob: Actor):
    a_kms_key(shop, alias="a")
    a_kms_key(shop, alias="b", state=3)
    a_kms_key(a_project("other"), alias="c")
    assert [(key.alias, key.enabled) for key in keypairs.kms_keys(bob, shop)] == [("a", True), ("b", False)]
    assert len(keypairs.kms_key_page(bob).items) == 2


def entry(project: str, **changes: object) -> AuditEvent:
    return an_event(project_slug=project, **changes)


def test_the_audit_history_is_scoped_by_project(shop: Project, bob: Actor):
    mine, foreign, nobodys = entry("shop"), entry("other"), entry("")
    assert [found.pk for found in audit.audit_page(bob, AuditFilters()).items] == [mine.pk]
    for hidden in (foreign, nobodys):
        with pytest.raises(NotFound):
            audit.get_entry(bob, hidden.pk)
    boss = a_person("boss", is_superuser=True)
    assert len(audit.audit_page(an_actor(boss), AuditFilters()).items) == 3
    limited = an_actor(boss, only_projects=(shop.pk,))
    assert [found.pk for found in audit.audit_page(limited, AuditFilters()).items] == [mine.pk]


@pytest.mark.parametrize(
    "filters",
    [
        AuditFilters(actor="eve"),
        AuditFilters(action="job.failed"),
        AuditFilters(object_type="job"),
        AuditFilters(object_type="job", object_id="7"),
        AuditFilters(source="token"),
        AuditFilters(since=T0 + timedelta(hours=1)),
        AuditFilters(q="WEB-7"),
        AuditFilters(q="req-7"),
    ],
)
def test_each_audit_filter_narrows(shop: Project, bob: Actor, filters: AuditFilters):
    entry("shop")
    wanted = entry(
        "shop",
        actor_name="eve",
        action="job.failed",
        object_type="job",
        object_id="7",
        object_label="#7 web-7",
        source="token",
        at=T0 + timedelta(hours=1),
        request_id="req-7",
    )
    assert [found.pk for found in audit.audit_page(bob, filters).items] == [wanted.pk]


def test_until_is_not_included(shop: Project, bob: Actor):
    entry("shop")
    assert audit.audit_page(bob, AuditFilters(until=T0)).items == ()
    assert len(audit.audit_page(bob, AuditFilters(since=T0)).items) == 1


def test_tokens_are_ones_own(bob: Actor):
    eve = a_person("eve")
    values = {"name": "n", "prefix": "ecsp_x", "created_at": T0, "expires_at": T0}
    mine = ApiToken.objects.create(user=User.objects.get(username=bob.name), digest="1", **values)
    theirs = ApiToken.objects.create(user=eve, digest="2", **values)
    assert tokens.my_tokens(bob) == tokens.token_page(bob).items == (mine,)
    with pytest.raises(NotFound):
        tokens.get_token(bob, theirs.pk)
