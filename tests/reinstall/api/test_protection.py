"""Protection over REST."""

from reinstall.models import Project
from tests.reinstall.api.client import Caller, fields_of
from tests.reinstall.rows import a_server


def test_a_server_is_protected_and_let_go(call: Caller, shop: Project):
    where = f"servers/{a_server(shop).pk}/"
    told = call.post(f"{where}protect/", {"reason": "live orders"}).json()
    assert (told["protected_reason"], told["protected_by"]) == ("live orders", "bob")
    assert "is protected by bob" in told["why_not"]
    assert call.post(f"{where}protect/", {"reason": "live orders"}).status_code == 409
    assert call.post(f"{where}unprotect/", {"reason": "moved"}).json()["protected_at"] is None
    assert call.post(f"{where}unprotect/", {"reason": "moved"}).status_code == 409


def test_what_is_wrong_is_named(call: Caller, shop: Project):
    where = f"servers/{a_server(shop).pk}/protect/"
    assert fields_of(call.post(where, {"reason": ""})) == {"reason"}
    assert call.post(where, {"reason": "x", "until": "friday"}).status_code == 400
    assert (
        call.post("servers/00000000-0000-0000-0000-000000000000/protect/", {"reason": "x"}).status_code == 404
    )
