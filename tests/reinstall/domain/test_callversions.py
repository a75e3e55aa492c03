"""An image without Cloud-Init takes another call, and that call takes less."""

from typing import Any

import pytest

from reinstall.domain.callversions import CallVersion, CloudCalls, call_findings, version_for
from reinstall.domain.spec import Limits, ReinstallSpec, call_path

HAS_V1 = CloudCalls("Cloud X", has_v1=True)
HAS_NONE = CloudCalls("Cloud Y", has_v1=False, v1_note="Cloud Y documents only the call with Cloud-Init.")
KEY: dict[str, Any] = {"keyname": "KeyPair-350b", "userid": "7e25b1da389f4697a79df3a0e5bd494e"}
PASSWORD: dict[str, Any] = {"adminpass": "Example-Pass_1"}


def found(
    asked: dict[str, Any], version: CallVersion = "v1", os_type: str = "Linux", calls: CloudCalls = HAS_V1
) -> list[tuple[str, str, str]]:
    """(name, level, field) of what was found."""
    limits = Limits(allows_password=True, user_data_only=True)
    spec = ReinstallSpec(limits=limits, **asked)
    findings = call_findings(spec, server_name="web", os_type=os_type, version=version, calls=calls)
    return [(f.name, f.level, f.field) for f in findings]


def test_the_image_decides() -> None:
    assert (version_for(cloud_init=True), version_for(cloud_init=False)) == ("v2", "v1")
    assert call_path("p", "s") == "/v2/p/cloudservers/s/reinstallos"
    assert call_path("p", "s", "v1") == "/v1/p/cloudservers/s/reinstallos"


@pytest.mark.parametrize("asked", [KEY, PASSWORD])
def test_v1_takes_a_key_pair_or_a_password(asked: dict[str, Any]) -> None:
    assert found(asked) == [("call", "passed", "")]
    assert found(asked, "v2") == []


def test_v1_takes_no_script() -> None:
    assert ("call", "must_fix", "user_data") in found(KEY | {"user_data": b"#!/bin/sh\n"})
    alone = found({"user_data": b"#!/bin/sh\n"})
    assert ("call", "must_fix", "user_data") in alone and ("call", "must_fix", "keyname") in alone


def test_v1_takes_only_a_password_for_windows() -> None:
    assert ("call", "must_fix", "adminpass") in found(KEY, os_type="Windows")
    assert found(PASSWORD, os_type="Windows") == [("call", "passed", "")]
    assert found(KEY, "v2", "Windows") == []


def test_where_there_is_no_v1_the_cloud_says_so() -> None:
    spec = ReinstallSpec(**KEY)
    findings = list(call_findings(spec, server_name="web", os_type="", version="v1", calls=HAS_NONE))
    assert [f.level for f in findings] == ["must_fix"]
    assert "Cloud Y documents only the call with Cloud-Init." in findings[0].sentence


def test_passwords_are_looked_at_by_system() -> None:
    assert found({"adminpass": "Administrator1"}, "v2", "Windows") == [("password", "must_fix", "adminpass")]
    assert found({"adminpass": "Administrator1"}, "v2", "Linux") == []
    script = PASSWORD | {"user_data": b"#!/bin/sh\n"}
    assert found(script, "v2", "Linux") == [("password", "to_know", "adminpass")]
    assert found(script, "v2", "Windows") == []
