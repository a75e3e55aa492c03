import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reinstall.domain.errors import RuleBroken
from reinstall.models import Server
from reinstall.selectors.pages import Ordering, Page, capped_count, ordering_of, page_of
from tests.reinstall.rows import a_project, a_server

BY_NAME = Ordering("name", ("name", "id"))
BY_NAME_DOWN = Ordering("-name", ("name", "id"))


@pytest.fixture
def names(db: None) -> list[str]:
    """Ten servers, with names that occur three times, one with what cursors might trip over."""
    project = a_project()
    names = ["b", "b", "b", "a", "Zürich/√\"'", "c", "d", "d", "d", "e"]
    for name in names:
        a_server(project, name, data_disks=0)
    return names


def page(ordering: Ordering, cursor: str = "", limit: int = 3) -> Page[Server]:
    return page_of(Server.objects.all(), ordering, cursor=cursor, limit=limit, build=tuple)


def walk(ordering: Ordering, limit: int) -> list[list[object]]:
    pages: list[list[object]] = []
    cursor = ""
    while True:
        found = page(ordering, cursor, limit)
        pages.append([row.pk for row in found.items])
        if not found.next:
            return pages
        cursor = found.next


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10, 11])
@pytest.mark.parametrize("ordering", [BY_NAME, BY_NAME_DOWN])
def test_the_pages_are_the_list(names: list[str], ordering: Ordering, limit: int):
    whole = [row.pk for row in Server.objects.order_by(*ordering.terms(backwards=False))]
    pages = walk(ordering, limit)
    assert [key for part in pages for key in part] == whole
    assert all(len(part) == limit for part in pages[:-1])


@pytest.mark.parametrize("ordering", [BY_NAME, BY_NAME_DOWN])
def test_previous_leads_back_the_same_way(names: list[str], ordering: Ordering):
    forward = [page(ordering)]
    while forward[-1].next:
        forward.append(page(ordering, forward[-1].next))
    back = [forward[-1]]
    while back[-1].previous:
        back.append(page(ordering, back[-1].previous))
    rows = [row.pk for part in reversed(back) for row in part.items]
    assert rows == [row.pk for part in forward for row in part.items]
    assert page(ordering, forward[1].previous).items == forward[0].items
    assert forward[0].previous == "" and back[-1].previous == ""


def test_a_row_that_came_meanwhile_moves_nothing(names: list[str]):
    first = page(BY_NAME)
    a_server(Server.objects.all()[0].project, "a", data_disks=0)
    second = page(BY_NAME, first.next)
    assert not {row.pk for row in first.items} & {row.pk for row in second.items}


def test_a_page_is_one_query_that_compares_rows_and_counts_nothing(names: list[str]):
    cursor = page(BY_NAME).next
    with CaptureQueriesContext(connection) as captured:
        page(BY_NAME, cursor)
    [query] = captured.captured_queries
    assert '("reinstall_server"."name", "reinstall_server"."id") > (' in query["sql"]
    assert "OFFSET" not in query["sql"].upper() and "COUNT" not in query["sql"].upper()


@pytest.mark.parametrize(
    "cursor",
    ["x", "AAAA", "WyJuIiwibmFtZSJd", "é", "W10", "eyJhIjoxfQ", "WyJuIiwibmFtZSIsImEiLCJ4Il0"],
)
def test_a_cursor_that_is_none_is_refused_by_name(names: list[str], cursor: str):
    with pytest.raises(RuleBroken) as broken:
        page(BY_NAME, cursor)
    assert broken.value.errors[0].field == "cursor"


def test_a_cursor_of_another_ordering_is_refused(names: list[str]):
    with pytest.raises(RuleBroken):
        page(BY_NAME_DOWN, page(BY_NAME).next)


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_limit_out_of_bounds_is_refused(names: list[str], limit: int):
    with pytest.raises(RuleBroken) as broken:
        page(BY_NAME, limit=limit)
    assert broken.value.errors[0].field == "limit"


def test_orderings_are_known_by_name():
    known = {"name": ("name", "id")}
    assert ordering_of("-name", known).descending
    with pytest.raises(RuleBroken, match="Known: name, -name"):
        ordering_of("--name", known)


def test_counting_stops_at_the_cap(names: list[str]):
    assert capped_count(Server.objects.all(), cap=10) == 10
    assert capped_count(Server.objects.all(), cap=9) == 10
    assert capped_count(Server.objects.all(), cap=3) == 4
