"""The stream of a connection test, as a browser reads it."""

import asyncio
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from reinstall.models import AuditEvent, Membership, Project
from reinstall.services.trial import TITLES
from reinstall.web import cloud_test

pytestmark = pytest.mark.django_db(transaction=True)


async def read(user: User, slug: str, most: int = 1000) -> list[dict[str, Any]]:
    """The lines, at most so many; then the reader goes away."""
    request = RequestFactory().post(f"/clouds/{slug}/test/steps")
    request.user = user
    answer: Any = await asyncio.to_thread(cloud_test.cloud_test_steps, request, slug)
    assert answer["Content-Type"] == "application/x-ndjson"
    assert (answer["Cache-Control"], answer["X-Accel-Buffering"]) == ("no-store", "no")
    stream = answer.streaming_content
    lines = []
    async for chunk in stream:
        lines.append(json.loads(chunk))
        if len(lines) == most:
            await answer._iterator.aclose()
            break
    return lines


@pytest.fixture
def admin(user: User, project: Project) -> User:
    Membership.objects.create(user=user, project=project, role=Membership.Role.ADMIN)
    return user


def test_each_step_comes_as_it_ends_with_the_one_that_begins(admin: User) -> None:
    lines = asyncio.run(read(admin, "shop-prod"))
    names = [f"step-{name}" for name in TITLES]
    assert list(lines[0]["html"]) == names[:1] and "going on" in lines[0]["html"]["step-name_lookup"]
    assert [next(iter(line["html"])) for line in lines[1:-1]] == names
    assert "going on" in lines[1]["html"]["step-tls"] and "passed" in lines[1]["html"]["step-name_lookup"]
    assert lines[-1]["done"] and "The connection works." in lines[-1]["html"]["test-result"]
    assert AuditEvent.objects.get(action="project.checked").after["traces"] == "passed"


def test_who_leaves_in_the_middle_ends_the_test_and_the_entry_says_how_far_it_came(admin: User) -> None:
    asyncio.run(read(admin, "shop-prod", most=3))
    entry = AuditEvent.objects.get(action="project.checked")
    assert list(entry.after) == ["name_lookup", "tls"]


def test_credentials_that_do_not_open_replace_the_list(admin: User) -> None:
    Project.objects.update(credentials_sealed=b"junk")
    lines = asyncio.run(read(admin, "shop-prod"))
    assert "ECSPORTAL_ENCRYPTION_KEYS" in lines[-1]["html"]["test-steps"]
