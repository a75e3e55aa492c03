import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsclient.errors import (
    AuthRefused,
    CloudError,
    Forbidden,
    NotFound,
    Refused,
    Throttled,
    Unclear,
    error_of,
    parse_error,
)
from tests.ecsclient.documents import EXAMPLES

JSON = "application/json"


@pytest.mark.parametrize(
    ("example", "code", "outer"),
    [
        ("err_param", "Ecs.0912", "Ecs.0005"),
        ("err_status", "Ecs.0100", "Ecs.0100"),
        ("err_key", "Ecs.0314", "Ecs.0314"),
        ("err_busy", "Ecs.0603", "Ecs.0603"),
        ("err_policy", "Pdp.0001", "Pdp.0001"),
        ("err_aksk", "APIGW.0301", "APIGW.0301"),
        ("err_throttle_gw", "APIGW.0308", "APIGW.0308"),
        ("err_flow_202", "Common.0024", "Common.0024"),
        ("err_nova_404", "404", "404"),
        ("iam_token_401", "401", "401"),
        ("kms_error", "KMS.0207", "KMS.0207"),
        ("batch_error", "Ecs.0605", "Ecs.0611"),
        ("job_query_error_200", "Common.0025", "Common.0025"),
    ],
)
def test_the_innermost_code_of_every_documented_shape(example: str, code: str, outer: str) -> None:
    info = parse_error(EXAMPLES[example].status, JSON, EXAMPLES[example].body)
    assert (info.code, info.outer_code, info.structured) == (code, outer, True)


def test_the_message_belongs_to_the_code() -> None:
    info = parse_error(400, JSON, EXAMPLES["err_param"].body)
    assert info.message == "encrypted key id [***] is invalid."
    assert parse_error(400, JSON, EXAMPLES["batch_error"].body).message == "ECS locked."


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"error": {"code": "A.1", "details": [{"code": "", "message": "x"}, {"code": "B.2"}]}}, "B.2"),
        ({"error": {"code": "A.1", "details": [{"code": "B.2", "details": [{"code": "C.3"}]}]}}, "C.3"),
        ({"error": {"code": "A.1", "details": [{"code": "B.2"}, {"code": "C.3"}]}}, "B.2"),
        ({"error": {"code": "A.1", "details": "text"}}, "A.1"),
        ({"error": {"code": "A.1", "request": {"code": "Z.9"}}}, "A.1"),
        ({"errorCode": "A.1", "errorMsg": "m"}, "A.1"),
        ({"error_code": "IAM.0061", "error_msg": "m"}, "IAM.0061"),
        ({"badRequest": {"message": "m", "code": 400}}, "400"),
    ],
)
def test_nested_and_odd_shapes(document: object, code: str) -> None:
    assert parse_error(400, JSON, json.dumps(document).encode()).code == code


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><h1>502 Bad Gateway</h1></html>", b"\xff\xfe", b"[1]", b"null", b"{}", b"[" * 100_000],
)
def test_what_is_no_error_document_says_so(body: bytes) -> None:
    info = parse_error(502, "text/html", body)
    assert (info.code, info.structured) == ("502", False)
    assert "502" in info.message


def test_a_message_without_code_is_kept() -> None:
    info = parse_error(403, JSON, b'{"error": "captcha needed"}')
    assert (info.code, info.message) == ("403", "captcha needed")


def test_messages_are_one_clean_line_of_at_most_4_kb() -> None:
    dirty = "a\x00b\x1b[31mc\nd\u202ee\ud800f" + "ä" * 10_000
    info = parse_error(400, JSON, json.dumps({"error": {"code": "E.1", "message": dirty}}).encode())
    assert info.message.startswith("ab[31mc defä")
    assert len(info.message.encode()) <= 4096
    assert info.message.isprintable()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, EXAMPLES["err_aksk"].body, AuthRefused),
        (403, b'{"error":{"error_code":"KMS.0303","error_msg":"X-Auth-Token expired."}}', AuthRefused),
        (403, EXAMPLES["err_policy"].body, Forbidden),
        (404, EXAMPLES["err_notfound"].body, NotFound),
        (404, EXAMPLES["err_nova_404"].body, NotFound),
        (404, b'{"error_code":"APIGW.0101","error_msg":"The API does not exist"}', Refused),
        (404, b'{"error_code":"APIG.0101","error_msg":"The API does not exist"}', Refused),
        (404, b"<html>not here</html>", Refused),
        (404, b"", Refused),
        (429, EXAMPLES["err_throttle_gw"].body, Throttled),
        (202, EXAMPLES["err_flow_202"].body, Throttled),
        (503, b'{"error":{"code":"Common.1503","message":"Api flow control"}}', Throttled),
        (503, b"", Unclear),
        (500, EXAMPLES["err_internal"].body, Unclear),
        (501, EXAMPLES["err_busy"].body, Unclear),
        (504, EXAMPLES["err_gw_timeout"].body, Unclear),
        (302, b"", Unclear),
        (408, b"", Unclear),
        (400, EXAMPLES["err_status"].body, Refused),
    ],
)
def test_the_kind_of_an_answer(status: int, body: bytes, kind: type[CloudError]) -> None:
    error = error_of(status, parse_error(status, JSON, body), request_id="r-1", retry_after=None)
    assert type(error) is kind
    assert (error.status, error.request_id) == (status, "r-1")


@pytest.mark.parametrize(
    ("header", "example", "seconds"),
    [("7", "err_throttle_gw", 7.0), (None, "err_throttle_gw", 300.0), (None, "err_flow_429", 5.0)]
    + [("soon", "err_flow_429", 5.0), ("-1", "err_flow_429", 5.0), ("999999999", "err_flow_429", 3600.0)],
)
def test_the_pause_the_cloud_asks_for(header: str | None, example: str, seconds: float) -> None:
    error = error_of(429, parse_error(429, JSON, EXAMPLES[example].body), request_id="", retry_after=header)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


_leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
_tree = st.recursive(
    _leaf,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "details", "error_code", "internalError", "x"]),
            inner,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(100, 599), st.one_of(st.binary(max_size=200), _tree.map(lambda t: json.dumps(t).encode())))
def test_no_body_breaks_the_parser(status: int, body: bytes) -> None:
    info = parse_error(status, "", body)
    assert info.code
    assert {unicodedata.category(c) for c in info.message}.isdisjoint({"Cc", "Cf", "Cs"})
    error_of(status, info, request_id="", retry_after=None)
