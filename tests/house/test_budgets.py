"""Budgets of size, and names that say nothing: house rules 10 and 12."""

import ast
from pathlib import Path

import pytest

from tests.house import tree

FUNCTION_LINES = 40
FILE_LINES = {"product": 300, "tests": 400, "template": 120, "static": 300}
SAYS_NOTHING = frozenset(
    {"utils", "util", "helpers", "helper", "common", "extras", "misc", "tools", "base_utils"}
)


def long_functions(path: Path) -> list[str]:
    """Functions of more than 40 lines, signature and docstring counted, as `file:line name (lines)`."""
    return [
        f"{tree.short(path)}:{node.lineno} {node.name} ({lines})"
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]


def long_files(paths: list[Path], limit: int) -> list[str]:
    """Files of more than `limit` lines, as `file (lines)`."""
    return [
        f"{tree.short(path)} ({lines})"
        for path in paths
        if (lines := len(tree.text(path).splitlines())) > limit
    ]


def names_that_say_nothing(paths: list[Path]) -> list[str]:
    """Modules and packages called utils, helpers, common …"""
    return [
        tree.short(path)
        for path in paths
        if SAYS_NOTHING & {part.removesuffix(".py") for part in Path(tree.short(path)).parts}
    ]


def test_functions_fit_in_forty_lines():
    assert [line for path in tree.python(*tree.PRODUCT) for line in long_functions(path)] == []


def test_product_files_fit_in_three_hundred_lines():
    assert long_files(tree.python(*tree.PRODUCT, "manage.py", "scripts"), FILE_LINES["product"]) == []


def test_test_files_fit_in_four_hundred_lines():
    assert long_files(tree.python("tests"), FILE_LINES["tests"]) == []


def test_templates_fit_in_a_hundred_and_twenty_lines():
    assert long_files(tree.files("templates", ending=(".html", ".txt")), FILE_LINES["template"]) == []


def test_styles_and_scripts_fit_in_three_hundred_lines():
    assert long_files(tree.files("static", ending=(".css", ".js")), FILE_LINES["static"]) == []


def test_every_module_is_named_after_something():
    assert names_that_say_nothing(tree.python(*tree.PRODUCT, "tests", "scripts")) == []


def test_the_rules_catch_what_they_are_for(tmp_path: Path):
    at_the_limit = "def fits():\n" + "    x = 1\n" * (FUNCTION_LINES - 1)
    fits, breaks, drawer = tmp_path / "fits.py", tmp_path / "breaks.py", tmp_path / "helpers.py"
    fits.write_text(at_the_limit)
    breaks.write_text("class C:\n    async def breaks(self):\n" + "        x = 1\n" * FUNCTION_LINES)
    drawer.write_text("")
    assert long_functions(fits) == []
    assert long_functions(breaks) == [f"breaks.py:2 breaks ({FUNCTION_LINES + 1})"]
    assert long_files([fits], FUNCTION_LINES) == []
    assert long_files([fits], FUNCTION_LINES - 1) == [f"fits.py ({FUNCTION_LINES})"]
    assert names_that_say_nothing([fits, drawer]) == ["helpers.py"]


@pytest.mark.parametrize("top", tree.PRODUCT)
def test_the_walk_sees_the_code(top: str):
    """A budget over no files holds always: each package must be found."""
    assert tree.python(top)


@pytest.mark.parametrize(("top", "ending"), [("templates", ".html"), ("static", ".css"), ("static", ".js")])
def test_the_walk_sees_the_pages(top: str, ending: str):
    assert tree.files(top, ending=(ending,))
