"""A person at a browser, and what a form of theirs holds."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.models import KeyPair, Server
from tests.reinstall.signing import signed_in


@pytest.fixture
def browser(requester: User) -> Client:
    """alice, signed in, who may reinstall in shop-prod."""
    return signed_in(requester)


@pytest.fixture
def stranger(user: User) -> Client:
    """alice before anybody gave her a right."""
    return signed_in(user)


@pytest.fixture
def page(bob: User) -> Client:
    """bob, signed in."""
    return signed_in(bob)


def form_address(server: Server) -> str:
    return f"/servers/{server.pk}/reinstall/"


def once_of(html: str) -> str:
    """The once-only key of a form."""
    found = re.search(r'name="once" value="([^"]+)"', html)
    assert found
    return found.group(1)


def filled_in(browser: Client, server: Server, **changes: Any) -> dict[str, Any]:
    """The form of `server` as a person sends it, right in every field but for `changes`."""
    key = KeyPair.objects.filter(project=server.project).order_by("name")[0]
    html = browser.get(form_address(server)).content.decode()
    seen = re.search(r'name="seen" value="([^"]*)"', html)
    values: dict[str, Any] = {
        "once": once_of(html),
        "seen": seen[1] if seen else "",
        "action": "place",
        "keyname": key.name,
        "userid": key.userid,
        "mode": "withStopServer",
        "byol": "false",
        "user_data_source": "none",
        "user_data": "",
        "encrypted": "",
        "reason": "OPS-4417",
        "confirm": server.name,
    }
    return values | changes
