"""The files the house rules look at, found by walking: a copy without git is checked like a clone."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("ecsportal", "reinstall", "ecsclient", "simulator", "benchmarks")
#: Made by tools, or by running the product; never committed (.gitignore).
NOT_OURS = frozenset(
    {".git", ".venv", ".hypothesis", "var", "__pycache__", "node_modules", "staticfiles", "htmlcov"}
)


def files(*tops: str, ending: tuple[str, ...] = ("",)) -> list[Path]:
    """Every file under these folders of the project (the whole project when none is named), sorted."""
    found = [path for top in tops or ("",) for path in _walk(ROOT / top) if path.name.endswith(ending)]
    return sorted(found)


def _walk(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    for folder, names, leaves in os.walk(top):
        names[:] = [name for name in names if name not in NOT_OURS and not name.endswith("_cache")]
        yield from (Path(folder) / leaf for leaf in leaves)


def python(*tops: str, migrations: bool = False) -> list[Path]:
    """The Python files under these folders; migrations are written by a tool and left out."""
    return [path for path in files(*tops, ending=(".py",)) if migrations or "migrations" not in path.parts]


def short(path: Path) -> str:
    """The path as people write it: from the top of the project."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


@cache
def text(path: Path) -> str:
    """The file's text; "" for a file that is not UTF-8 (a picture, say)."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def parsed(path: Path) -> ast.Module:
    """The file's syntax tree. Read it only: it is shared."""
    return ast.parse(text(path), filename=str(path))


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a name or a chain of attributes; a call or index inside the chain becomes `()`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "()"


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call below `tree` with the dotted name of what is called."""
    return ((node, dotted(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))


def attributes(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Every attribute access below `tree`."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every imported name as `module.name`, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)
