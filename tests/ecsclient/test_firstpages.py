"""One call for each list, however long it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ecsclient import firstpages
from ecsclient.errors import BadAnswer
from ecsclient.firstpages import Seen
from tests.ecsclient.scriptedcloud import PROJECT, Reply, ScriptedCloud

FIFTY = [{"id": str(number)} for number in range(50)]
SINCE = datetime(2026, 1, 2, tzinfo=UTC)
PATHS: dict[str, str] = {
    "servers": f"/v1/{PROJECT}/cloudservers/detail",
    "disks": f"/v2/{PROJECT}/cloudvolumes/detail",
    "key_pairs": f"/v2.1/{PROJECT}/os-keypairs",
    "kms_keys": f"/v1.0/{PROJECT}/kms/list-keys",
    "images": "/v2/cloudimages",
    "traces": f"/v3/{PROJECT}/traces",
}


@pytest.mark.parametrize(
    ("name", "answer", "seen"),
    [
        ("servers", {"count": 100_000, "servers": FIFTY}, Seen(100_000)),
        ("servers", {"count": 0, "servers": []}, Seen(0)),
        ("disks", {"volumes": FIFTY}, Seen(50, more=True)),
        ("disks", {"volumes": FIFTY[:3]}, Seen(3)),
        ("key_pairs", {"keypairs": [{"keypair": {"name": None}}]}, Seen(1)),
        ("kms_keys", {"keys": ["a"], "key_details": [{}], "truncated": "true"}, Seen(1, more=True)),
        ("kms_keys", {"keys": [], "key_details": [], "truncated": "false"}, Seen(0)),
        ("images", {"images": FIFTY}, Seen(50, more=True)),
        ("traces", {"traces": FIFTY, "meta_data": {"marker": "m"}}, Seen(50, more=True)),
        ("traces", {"traces": [], "meta_data": {}}, Seen(0)),
    ],
)
def test_a_list_is_one_call(cloud: ScriptedCloud, name: str, answer: dict[str, Any], seen: Seen) -> None:
    cloud.on(PATHS[name], Reply(200, answer))
    assert read(cloud, name) == seen
    assert len(cloud.asked) == 1


@pytest.mark.parametrize("name", PATHS)
def test_an_answer_without_its_list_is_a_bad_answer(cloud: ScriptedCloud, name: str) -> None:
    cloud.on(PATHS[name], Reply(200, {"other": []}))
    with pytest.raises(BadAnswer):
        read(cloud, name)


def read(cloud: ScriptedCloud, name: str) -> Seen:
    more = {"since": SINCE} if name == "traces" else {}
    with cloud.session() as session:
        seen: Seen = getattr(firstpages, name)(session, **more)
    return seen
