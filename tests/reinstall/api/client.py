"""A caller of the REST interface, by token or by session."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from reinstall.models import Project
from reinstall.services import tokens
from tests.reinstall.rows import an_actor

PROBLEM = "application/problem+json"


class Caller:
    """Sends JSON with a token; `headers` go along each time."""

    def __init__(self, token: str = "", **headers: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = headers | ({"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method: str, path: str, body: Any = None, /, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = given.pop("Content-Type", "application/json")
        where = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        return self.client.generic(method, where, raw, kind, headers=self.headers | given)

    def get(self, path: str, /, **headers: str) -> Any:
        return self.send("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, /, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def delete(self, path: str, /, **headers: str) -> Any:
        return self.send("DELETE", path, None, **headers)


def a_token(
    person: User,
    *scopes: str,
    projects: tuple[Project, ...] = (),
    networks: tuple[str, ...] = (),
    age_days: int = 0,
) -> str:
    """The secret of a new token of `person`, made `age_days` ago for 30 days."""
    asked = tokens.TokenRequest(
        name="tests",
        scopes=scopes or ("read", "request"),
        projects=[project.slug for project in projects],
        days=30,
        networks=networks,
    )
    made = tokens.create_token(
        actor=an_actor(person), now=now() - timedelta(days=age_days), user=person, request=asked
    )
    return made.secret


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of `answer`, which must be one, whole and of this status."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "request_id", "errors"} <= set(document)
    assert document["status"] == status and document["type"].startswith("urn:ecsportal:problem:")
    assert document["request_id"] == answer["X-Request-Id"]
    assert document["detail"]
    return document


def fields_of(answer: Any, status: int = 400) -> set[str]:
    """The fields a problem names."""
    return {error["field"] for error in problem_of(answer, status)["errors"]}
