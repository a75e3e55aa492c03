"""A token limited to projects stays limited when they are gone."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from reinstall.models import Cloud, Project
from reinstall.services import tokens
from tests.reinstall.conftest import OPERATOR

pytestmark = pytest.mark.django_db


def _project(slug: str) -> Project:
    cloud, _ = Cloud.objects.get_or_create(
        profile="otc", region="eu-de", endpoints={}, defaults={"created_at": now()}
    )
    return Project.objects.create(
        slug=slug,
        name=slug,
        environment="staging",
        cloud=cloud,
        project_id=slug,
        credential_kind="aksk",
        credentials_sealed=b"",
        created_at=now() - timedelta(days=1),
    )


def test_a_token_whose_last_project_is_deleted_sees_nothing(client: Client) -> None:
    boss = User.objects.create_superuser("boss")
    _project("other")
    mine = _project("mine")
    asked = tokens.TokenRequest(name="t", scopes=["read"], projects=["mine"], days=1)
    made = tokens.create_token(actor=OPERATOR, now=now(), user=boss, request=asked)
    headers = {"Authorization": f"Bearer {made.secret}"}
    seen = client.get("/api/v1/projects/", headers=headers).json()["results"]
    assert [row["slug"] for row in seen] == ["mine"]
    mine.delete()
    assert client.get("/api/v1/projects/", headers=headers).json()["results"] == []
