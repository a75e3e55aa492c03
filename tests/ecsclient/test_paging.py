"""Lists that go over several pages: nothing twice, nothing lost, and always an end."""

from collections.abc import Callable
from typing import Any

import pytest

from ecsclient.kms import list_keys
from ecsclient.servers import list_servers
from ecsclient.volumes import list_volumes
from tests.ecsclient.scriptedcloud import PROJECT, Asked, Reply, ScriptedCloud, running

SERVERS = f"/v1/{PROJECT}/cloudservers/detail"
VOLUMES = f"/v2/{PROJECT}/cloudvolumes/detail"
KEYS = f"/v1.0/{PROJECT}/kms/list-keys"


class PagedCloud(ScriptedCloud):
    """Answers lists from numbered rows; `rows` is asked for each page, so a list may change meanwhile."""

    def __init__(self, rows: Callable[[int], list[str]], cap: int = 1000, tells_count: bool = True) -> None:
        super().__init__()
        self._rows, self._cap, self._tells_count = rows, cap, tells_count

    def reply_to(self, asked: Asked) -> Reply:
        rows = self._rows(len(self.asked))
        self.asked.append(asked)
        size = min(int(asked.query["limit"]), self._cap)
        offset = int(asked.query.get("offset", "0"))
        start = (max(offset, 1) - 1) * size if asked.path == SERVERS else offset
        entries: list[dict[str, Any]] = [{"id": r, "status": "ACTIVE"} for r in rows[start : start + size]]
        payload: dict[str, Any] = {"servers" if asked.path == SERVERS else "volumes": entries}
        return Reply(200, payload | ({"count": len(rows)} if self._tells_count else {}))


def names(count: int) -> list[str]:
    return [f"s-{number:04}" for number in range(count)]


@pytest.mark.parametrize("total", [0, 1, 6, 7, 14, 15])
@pytest.mark.parametrize("tells_count", [True, False])
def test_all_servers_each_once(total: int, tells_count: bool) -> None:
    with running(PagedCloud(lambda _: names(total), tells_count=tells_count)) as cloud:
        assert [s.id for s in list_servers(cloud.session(), page_size=7)] == names(total)
        assert [asked.query["offset"] for asked in cloud.asked] == [
            str(n + 1) for n in range(len(cloud.asked))
        ]
        assert len(cloud.asked) == total // 7 + 1


def test_a_cloud_that_gives_smaller_pages_than_asked_for() -> None:
    with running(PagedCloud(lambda _: names(12), cap=5)) as cloud:
        assert [s.id for s in list_servers(cloud.session(), page_size=7)] == names(12)


def test_a_server_that_appears_on_two_pages_is_given_once() -> None:
    def growing(call: int) -> list[str]:
        return ["new"] * call + names(9)

    with running(PagedCloud(growing)) as cloud:
        seen = [s.id for s in list_servers(cloud.session(), page_size=4)]
    assert len(seen) == len(set(seen))
    assert set(names(9)) <= set(seen)


def test_a_cloud_that_ignores_the_page_number_does_not_loop(cloud: ScriptedCloud) -> None:
    page = {"count": 999, "servers": [{"id": "a", "status": "ACTIVE"}, {"id": "b", "status": "ACTIVE"}]}
    cloud.on(SERVERS, Reply(200, page))
    assert [s.id for s in list_servers(cloud.session(), page_size=2)] == ["a", "b"]
    assert len(cloud.asked) == 2


def test_a_count_that_promises_more_than_comes_does_not_loop(cloud: ScriptedCloud) -> None:
    cloud.on(
        SERVERS,
        Reply(200, {"count": 9, "servers": [{"id": "a", "status": "X"}]}),
        Reply(200, {"servers": []}),
    )
    assert [s.id for s in list_servers(cloud.session())] == ["a"]
    assert len(cloud.asked) == 2


@pytest.mark.parametrize("total", [0, 499, 500, 501, 1003])
def test_all_disks_each_once(total: int) -> None:
    with running(PagedCloud(lambda _: names(total))) as cloud:
        assert [v.id for v in list_volumes(cloud.session())] == names(total)
        assert len(cloud.asked) == total // 500 + 1


def test_disks_are_counted_by_rows() -> None:
    with running(PagedCloud(lambda _: names(1003), cap=400)) as cloud:
        assert [v.id for v in list_volumes(cloud.session())] == names(1003)
        assert [asked.query["offset"] for asked in cloud.asked] == ["0", "400", "800"]


def _keys(ids: list[str], marker: str, truncated: str) -> Reply:
    details = [{"key_id": i, "key_alias": i, "key_state": "3", "default_key_flag": "1"} for i in ids]
    return Reply(200, {"keys": ids, "key_details": details, "next_marker": marker, "truncated": truncated})


def test_keys_are_read_to_the_end(cloud: ScriptedCloud) -> None:
    cloud.on(KEYS, _keys(["a", "b"], "2", "true"), _keys(["b", "c"], "4", "true"), _keys(["d"], "", "false"))
    records = list(list_keys(cloud.session()))
    assert [(r.key_id, r.state, r.default, r.usable) for r in records] == [
        (name, 3, True, False) for name in "abcd"
    ]
    bodies = [b'{"limit": "100"}', b'{"limit": "100", "marker": "2"}', b'{"limit": "100", "marker": "4"}']
    assert [asked.body for asked in cloud.asked] == bodies


def test_a_marker_that_stays_does_not_loop(cloud: ScriptedCloud) -> None:
    cloud.on(KEYS, _keys(["a"], "7", "true"), _keys(["b"], "7", "true"))
    assert [key.key_id for key in list_keys(cloud.session())] == ["a", "b"]
    assert len(cloud.asked) == 2


def test_the_string_false_ends_the_list(cloud: ScriptedCloud) -> None:
    cloud.on(KEYS, _keys(["a"], "1", "false"))
    assert [key.key_id for key in list_keys(cloud.session())] == ["a"]
    assert len(cloud.asked) == 1
