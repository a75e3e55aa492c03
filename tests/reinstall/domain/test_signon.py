"""What ECSPORTAL_OIDC may say."""

import json
from typing import Any

import pytest

from reinstall.domain.signon import read_sign_on

GOOD = {"issuer": "https://id.example.com", "client_id": "portal", "client_secret": "hush-hush"}


def read(**changes: Any) -> Any:
    return read_sign_on(json.dumps(GOOD | changes))


def test_nothing_is_nothing() -> None:
    assert read_sign_on("") is None


def test_groups_become_roles_and_the_weightier_one_counts() -> None:
    found = read(roles={"ops": ["shop:requester", "lab:admin"], "all": "shop:viewer"}, staff=["desk"])
    assert found.roles_of(["all", "ops", "unknown"]) == {"shop": "requester", "lab": "admin"}
    assert found.projects == {"shop", "lab"}
    assert found.staff == {"desk"}
    assert (found.groups_claim, found.name) == ("groups", "SSO")


def test_the_secret_is_not_in_its_words() -> None:
    assert "hush-hush" not in repr(read())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is a JSON object with issuer, client_id, client_secret"),
        (json.dumps(GOOD | {"client_id": ""}), "is a JSON object with issuer"),
        (json.dumps(GOOD | {"colour": "red"}), "known besides: groups_claim"),
        (json.dumps(GOOD | {"issuer": "http://id.example.com"}), "has an issuer that is not https"),
        (json.dumps(GOOD | {"roles": ["ops"]}), "has roles that are not an object"),
        (json.dumps(GOOD | {"roles": {"ops": "shop"}}), 'gives ops a role that is not "project:role"'),
        (json.dumps(GOOD | {"roles": {"ops": "shop:king"}}), "the role one of viewer"),
        (json.dumps(GOOD | {"staff": "desk"}), "has staff that is not a list of groups"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read_sign_on(text)
    assert "hush-hush" not in str(caught.value)
