"""Who has to prove what before an act: sources, environments, policies, time."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from reinstall.domain.actors import ENGINE, Source
from reinstall.domain.errors import NeedsProof, NeedsSecondFactor
from reinstall.models import Project
from reinstall.services import proof
from tests.reinstall.conftest import OPERATOR
from tests.reinstall.rows import a_project, an_actor

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def simulated(db: None) -> Project:
    return a_project("toy", environment="simulator")


def test_a_browser_needs_a_second_factor_in_a_real_project_only(
    policy: str, shop: Project, simulated: Project, bob: User
) -> None:
    bare = an_actor(bob, second_factor=False)
    with pytest.raises(NeedsSecondFactor, match="in shop needs a sign-in with a second factor"):
        proof.must_have_second_factor(bare, shop)
    proof.must_have_second_factor(bare, simulated)
    proof.must_have_second_factor(an_actor(bob), shop)


def test_the_portal_itself_is_as_serious_as_its_gravest_project(
    policy: str, simulated: Project, user: User
) -> None:
    bare = an_actor(user, second_factor=False)
    proof.must_have_second_factor(bare, None)
    a_project("real")
    with pytest.raises(NeedsSecondFactor):
        proof.must_have_second_factor(bare, None)


@pytest.mark.parametrize("chosen", ["always", "never"])
def test_the_policy_may_be_for_all_or_for_none(
    chosen: str, settings: Any, shop: Project, simulated: Project, bob: User
) -> None:
    settings.SECOND_FACTOR = chosen
    bare = an_actor(bob, second_factor=False, proved_at=None)
    for project in (shop, simulated, None):
        if chosen == "never":
            proof.must_be_proved(bare, now=NOW, project=project)
            continue
        with pytest.raises(NeedsSecondFactor):
            proof.must_have_second_factor(bare, project)


def test_a_proof_lasts_five_minutes(policy: str, shop: Project, bob: User) -> None:
    for age, fresh in ((0, True), (299, True), (300, True), (301, False), (-60, False)):
        actor = an_actor(bob, proved_at=NOW - timedelta(seconds=age))
        if fresh:
            proof.must_be_proved(actor, now=NOW, project=shop)
            continue
        with pytest.raises(NeedsProof):
            proof.must_be_proved(actor, now=NOW, project=shop)


def test_a_fresh_password_is_no_second_factor(policy: str, shop: Project, bob: User) -> None:
    with pytest.raises(NeedsSecondFactor):
        proof.must_be_proved(an_actor(bob, second_factor=False, proved_at=NOW), now=NOW, project=shop)


def test_tokens_commands_and_the_engine_are_not_asked(policy: str, shop: Project, bob: User) -> None:
    token = an_actor(bob, source=Source.TOKEN, second_factor=False, proved_at=None)
    for actor in (token, OPERATOR, ENGINE):
        proof.must_be_proved(actor, now=NOW, project=shop)
        proof.must_be_fresh(actor, now=NOW)


def test_only_production_wants_a_fresh_proof_before_a_wipe(
    policy: str, settings: Any, shop: Project, bob: User
) -> None:
    old = an_actor(bob, proved_at=NOW - timedelta(hours=1))
    proof.must_be_proved_to_wipe(old, now=NOW, project=shop)
    shop.environment = "production"
    with pytest.raises(NeedsProof):
        proof.must_be_proved_to_wipe(old, now=NOW, project=shop)
    shop.environment = "simulator"
    settings.SECOND_FACTOR = "always"
    with pytest.raises(NeedsProof):
        proof.must_be_proved_to_wipe(old, now=NOW, project=shop)


def test_ones_own_sign_in_wants_a_fresh_proof_whatever_the_policy(user: User) -> None:
    with pytest.raises(NeedsProof):
        proof.must_be_fresh(an_actor(user, proved_at=NOW - timedelta(minutes=6)), now=NOW)
    proof.must_be_fresh(an_actor(user, second_factor=False, proved_at=NOW), now=NOW)
