"""What became of the images that servers were made from."""

from typing import Any

import pytest

from reinstall.models import Server
from reinstall.selectors.images import image_states
from tests.reinstall.rows import T0, a_project, a_server, an_image

pytestmark = pytest.mark.django_db


def test_every_server_with_its_image_in_one_query(django_assert_num_queries: Any) -> None:
    shop, other = a_project("shop"), a_project("other")
    here, gone = an_image(shop), an_image(shop, gone_at=T0, status="deleted")
    # The same image as another project sees it.
    foreign = an_image(other, image_id=here.image_id, status="queued")
    servers = [
        a_server(shop, image_id=here.image_id),
        a_server(shop, image_id=gone.image_id),
        a_server(other, image_id=here.image_id),
        a_server(other, image_id=gone.image_id),
        a_server(shop, image_id=""),
    ]
    with django_assert_num_queries(1):
        found = image_states(servers)
    assert [found[server.pk] for server in servers] == [here, gone, foreign, None, None]
    rows = Server.objects.values("id", "project_id", "image_id")
    assert image_states(rows) == found


def test_no_servers_no_images() -> None:
    assert image_states([]) == {}
