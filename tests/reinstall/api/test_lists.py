import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.csvcells import cell
from reinstall.models import Project
from tests.reinstall.api.client import Caller, fields_of, problem_of
from tests.reinstall.rows import a_job, a_server, an_order

LISTS = ["projects", "servers", "key-pairs", "kms-keys", "images", "orders", "jobs", "tokens", "audit"]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=²", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=nonsense", "cursor"),
        ("format=xml", "format"),
        ("colour=red", "colour"),
        ("page=2", "page"),
    ],
)
def test_a_wrong_parameter_is_named(call: Caller, name: str, query: str, field: str):
    document = problem_of(call.get(f"{name}/?{query}"), 400)
    assert [error["field"] for error in document["errors"]] == [field]
    if field in ("colour", "page"):
        assert "Known: " in document["detail"] and "cursor, limit, format" in document["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("servers/?status=ACTIVE", "status"),
        ("servers/?ordering=id", "ordering"),
        ("jobs/?state=done", "state"),
        ("jobs/?tab=mine", "tab"),
        ("jobs/?server=x", "server"),
        ("jobs/?order=x", "order"),
        ("orders/?state=done", "state"),
        ("audit/?since=yesterday", "since"),
        ("audit/?until=2026-01-02T03:04:05", "until"),
        ("servers/?q=%00", "q"),
    ],
)
def test_a_filter_that_is_none_is_named(call: Caller, path: str, field: str):
    assert fields_of(call.get(path)) == {field}


def test_following_next_gives_every_row_once(call: Caller, shop: Project):
    made = {str(a_server(shop, data_disks=0).pk) for _ in range(7)}
    found, address, pages = [], "servers/?limit=3&q=web", 0
    while address:
        page = call.get(address).json()
        found += [row["id"] for row in page["results"]]
        pages, address, previous = pages + 1, page["next"], page["previous"]
    assert sorted(found) == sorted(made) and pages == 3
    assert "limit=3" in previous and "q=web" in previous
    assert [row["id"] for row in call.get(previous).json()["results"]] == found[3:6]


def test_without_limit_a_page_has_fifty_rows(call: Caller, shop: Project):
    for _ in range(51):
        a_server(shop, data_disks=0)
    page = call.get("servers/").json()
    assert len(page["results"]) == 50 and page["next"] and page["previous"] is None


def test_filters_narrow(call: Caller, shop: Project):
    a_server(shop, "a", tags=["tier=web"])
    a_server(shop, "b", status="SHUTOFF", tags=["tier=db"])
    names = lambda query: [row["name"] for row in call.get(f"servers/?{query}").json()["results"]]  # noqa: E731
    assert names("status=stopped") == ["b"]
    assert names("tag=tier%3Dweb") == ["a"]
    assert names("ordering=-name") == ["b", "a"]
    assert names("project=shop&q=10.0.0.1") == ["a", "b"]
    assert names("q=nothing") == []


def rows_of(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


def test_csv_is_a_download_of_the_same_rows(call: Caller, shop: Project):
    a_server(shop, "a", image_name='Debian "12", slim')
    a_server(shop, "b")
    answer = call.get("servers/?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="servers.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    header, *rows = rows_of(answer)
    shown = call.get("servers/").json()["results"]
    assert header[:4] == ["id", "name", "project", "environment"]
    assert [row[0] for row in rows] == [row["id"] for row in shown]
    assert rows[0][header.index("image")] == 'Debian "12", slim'
    assert rows[0][header.index("tags")] == "tier=web"
    assert answer.content.count(b"\r\n") == 3


def test_csv_without_a_limit_is_the_whole_list(call: Caller, shop: Project):
    for _ in range(205):
        a_server(shop, data_disks=0)
    assert len(rows_of(call.get("servers/?format=csv"))) == 206
    assert len(rows_of(call.get("servers/?format=csv&limit=7"))) == 8


def test_nested_objects_become_columns(call: Caller, shop: Project, bob: User):
    job = a_job(an_order(shop, bob), a_server(shop, "web-1"))
    header, row = rows_of(call.get("jobs/?format=csv"))
    assert (row[header.index("server.id")], row[header.index("server.name")]) == (str(job.server_id), "web-1")


def test_an_empty_list_still_has_its_header(call: Caller):
    assert len(rows_of(call.get("jobs/?format=csv"))) == 1


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_cannot_be_a_formula(call: Caller, shop: Project, name: str):
    a_server(shop, name)
    header, row = rows_of(call.get("servers/?format=csv"))
    assert row[header.index("name")] == f"'{name}"


def test_cells():
    assert [cell(value) for value in (None, True, False, 7, "a=b", "a\0b", ["a", "b"])] == [
        "",
        "true",
        "false",
        "7",
        "a=b",
        "ab",
        "a; b",
    ]
    assert cell(["=1", "b"]) == "'=1; b"
    assert cell([{"a": None}]) == '[{"a": null}]'


def test_an_audit_time_may_have_any_offset(call: Caller):
    for since in ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05%2B02:00", "2026-01-02T03:04:05+02:00"):
        assert call.get(f"audit/?since={since}").status_code == 200
