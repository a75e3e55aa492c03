"""Reading changes nothing, and nothing is changed without the token that says the form was ours."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from reinstall.models import Order
from tests.reinstall.edge.asking import Door
from tests.reinstall.edge.routes import by_name
from tests.reinstall.edge.table import TABLE
from tests.reinstall.edge.test_matrix import STREAMS
from tests.reinstall.edge.world import ANONYMOUS, OWN, SUPERUSER, World, a_world

ROUTES = by_name()
#: What a request may write by itself: the session's own age, when a token was last used, and that a form
#: which shows the server as it is now has asked the cloud.
BY_ITSELF = {
    "sessions.session",
    "reinstall.signedin",
    "reinstall.apitoken.last_used_at",
    "reinstall.apitoken.last_used_from",
    "reinstall.budget",
    # How many requests there were.
    "reinstall.ratecount",
}


#: Sent by the browser itself, from no form; nothing is stored by it.
WITHOUT_A_TOKEN = {"csp-reports"}


@pytest.fixture
def world(db: None) -> World:
    return a_world()


def everything() -> dict[str, Any]:
    """Every row of every table but for what a request may write by itself."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.label_lower in BY_ITSELF:
            continue
        left_out = {
            name.rpartition(".")[2] for name in BY_ITSELF if name.startswith(f"{model._meta.label_lower}.")
        }
        columns = [field.attname for field in model._meta.concrete_fields if field.name not in left_out]
        found[model._meta.label_lower] = sorted(map(repr, _rows(model, columns)))
    return found


def _rows(model: type[models.Model], columns: list[str]) -> Any:
    return model._default_manager.values_list(*columns)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("by_token", [False, True], ids=["session", "token"])
def test_no_get_changes_anything(world: World, by_token: bool) -> None:
    """Each address, as somebody who may open all of them."""
    door = Door(world, by_token=by_token)
    before, opened = everything(), 0
    for name, route in ROUTES.items():
        if name in STREAMS or (by_token and not route.is_rest):
            continue
        answer = door.send(route, "GET", OWN, SUPERUSER)
        opened += answer.status_code == 200
    assert everything() == before
    assert opened >= (20 if by_token else 60)


def test_the_comparison_sees_a_change(world: World) -> None:
    before = everything()
    Order.objects.update(reason="another")
    assert everything() != before


@pytest.mark.timeout(600)
def test_nothing_is_changed_without_the_csrf_token(world: World) -> None:
    """Sessions are sent along by the browser whoever made the form; the token is not."""
    door, before, wrong = Door(world), everything(), []
    for name, route in ROUTES.items():
        methods = set(TABLE[name]) if name in TABLE else {"POST"}
        for method in methods - {"GET"}:
            for who in (SUPERUSER, ANONYMOUS):
                answer = door.send(route, method, OWN, who, enforce_csrf_checks=True)
                # A page says 403 whoever sends; REST asks for a sign-in first.
                if name in WITHOUT_A_TOKEN:
                    continue
                wanted = 401 if route.is_rest and who == ANONYMOUS else 403
                if answer.status_code != wanted:
                    wrong.append(f"{name} {method}, {who}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert everything() == before
