"""Lists page by page: one bad entry is named and does not end the list."""

from collections.abc import Iterator
from itertools import islice

import pytest

from ecsclient.errors import BadAnswer
from ecsclient.images import image_pages
from ecsclient.servers import server_pages
from ecsclient.snapshots import snapshot_pages
from ecsclient.volumes import volume_pages
from tests.ecsclient.scriptedcloud import PROJECT, Asked, Reply, ScriptedCloud, running
from tests.ecsclient.test_paging import SERVERS, VOLUMES, PagedCloud, names

SNAPSHOTS = f"/v2/{PROJECT}/cloudsnapshots/detail"
IMAGES = "/v2/cloudimages"


@pytest.mark.parametrize("total", [0, 1, 7, 15])
@pytest.mark.parametrize("tells_count", [True, False])
def test_pages_hold_each_server_once(total: int, tells_count: bool) -> None:
    with running(PagedCloud(lambda _: names(total), tells_count=tells_count)) as cloud:
        pages = list(server_pages(cloud.session(), page_size=7))
    assert [row.id for page in pages for row in page.records] == names(total)
    assert [page.count for page in pages] == [total if tells_count else None] * len(pages)
    assert pages[-1].listed == total


def test_a_thousand_pages_are_read_to_the_end() -> None:
    with running(PagedCloud(lambda _: names(1000), cap=1)) as cloud:
        pages = list(server_pages(cloud.session()))
    assert (len(pages), pages[-1].listed) == (1000, 1000)


def test_a_cloud_that_always_has_another_page_is_asked_no_more_than_there_can_be() -> None:
    with running(PagedCloud(lambda call: names(10 * call + 10), cap=1)) as cloud:
        assert sum(1 for _ in islice(server_pages(cloud.session()), 50)) == 50


def test_what_cannot_be_read_is_named(cloud: ScriptedCloud) -> None:
    rows: list[object] = [
        {"id": "a", "status": "ACTIVE", "name": 5},
        {"id": "../b", "status": "ACTIVE"},
        {"id": "c", "status": "ACTIVE"},
        {"id": "c", "status": "ACTIVE"},
        {"id": "shell"},
    ]
    cloud.on(SERVERS, Reply(200, {"count": 4, "servers": rows}))
    (page,) = islice(server_pages(cloud.session()), 1)
    assert [row.id for row in page.records] == ["c"]
    first, second = page.unreadable
    assert first.startswith("a (field 'name'") and second.startswith("an entry without a usable id")
    assert (page.entries, page.listed, page.fresh) == (5, 3, 3)


@pytest.mark.parametrize("answer", [{}, {"servers": None}, {"servers": "all"}, {"servers": [1]}])
def test_what_is_no_list_ends_it(cloud: ScriptedCloud, answer: dict[str, object]) -> None:
    cloud.on(SERVERS, Reply(200, answer))
    with pytest.raises(BadAnswer):
        list(server_pages(cloud.session()))


def test_disks_by_pages(cloud: ScriptedCloud) -> None:
    cloud.on(
        VOLUMES, Reply(200, {"count": 2, "volumes": [{"id": "a", "size": "x"}, {"id": "b", "size": "7"}]})
    )
    (page,) = volume_pages(cloud.session())
    assert [(row.id, row.size_gb) for row in page.records] == [("b", 7)]
    assert page.unreadable[0].startswith("a (field 'size'")


def test_snapshots_name_their_disks_and_are_counted_by_rows(cloud: ScriptedCloud) -> None:
    rows = [{"id": f"s-{n}", "volume_id": f"v-{n % 3}"} for n in range(1500)]
    cloud.on(
        SNAPSHOTS,
        Reply(200, {"count": 1500, "snapshots": rows[:1000]}),
        Reply(200, {"count": 1500, "snapshots": rows[1000:]}),
    )
    pages = list(snapshot_pages(cloud.session()))
    assert [len(page.records) for page in pages] == [1000, 500]
    assert pages[0].records[:4] == ("v-0", "v-1", "v-2", "v-0")
    assert [asked.query["offset"] for asked in cloud.asked] == ["0", "1000"]


class ImageCloud(ScriptedCloud):
    """Answers a list of images from the marker on."""

    def reply_to(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        rows, marker = names(1201), asked.query.get("marker", "")
        start = rows.index(marker) + 1 if marker else 0
        found = rows[start : start + int(asked.query["limit"])]
        entries = [{"id": row, "__system__cmkid": "key", "__support_fc_inject": "true"} for row in found]
        return Reply(200, {"images": entries})


@pytest.fixture
def image_cloud() -> Iterator[ImageCloud]:
    with running(ImageCloud()) as cloud:
        yield cloud


def test_images_go_on_from_the_last_one(image_cloud: ImageCloud) -> None:
    records = [row for page in image_pages(image_cloud.session(), "private") for row in page.records]
    assert [row.id for row in records] == names(1201)
    assert {(row.cmkid, row.supports_cloud_init) for row in records} == {("key", False)}
    assert {asked.query["__imagetype"] for asked in image_cloud.asked} == {"private"}
    assert len(image_cloud.asked) == 3
