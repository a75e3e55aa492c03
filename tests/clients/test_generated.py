"""The committed client is what the OpenAPI document makes of it, and needs nothing but requests."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from ecsportal_client import Client
from tests.house import tree

CLIENT = tree.ROOT / "clients" / "python" / "ecsportal_client.py"


def _generator() -> object:
    spec = importlib.util.spec_from_file_location("client_generator", tree.ROOT / "scripts" / "client.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generator() -> object:
    return _generator()


@pytest.fixture(scope="module")
def document(generator: object) -> dict[str, object]:
    return generator.document_of_the_portal()  # type: ignore[attr-defined, no-any-return]


def test_the_file_is_what_the_document_makes_of_it(generator: object, document: dict[str, object]):
    made = generator.client_text(document)  # type: ignore[attr-defined]
    assert CLIENT.read_text(encoding="utf-8") == made, "run `make client` and commit what it wrote"


def test_it_rests_on_the_document_alone(generator: object, document: dict[str, object]):
    paths = document["paths"]
    assert isinstance(paths, dict)
    smaller = document | {"paths": {p: m for p, m in paths.items() if "/presets/" not in p}}
    made = generator.client_text(smaller)  # type: ignore[attr-defined]
    assert "def list_presets" not in made and "def list_jobs" in made


def test_every_operation_is_a_method(document: dict[str, object]):
    paths = document["paths"]
    assert isinstance(paths, dict)
    names = {operation["operationId"] for methods in paths.values() for operation in methods.values()}
    assert len(names) > 40
    assert names <= set(vars(Client))


def test_it_needs_the_standard_library_and_requests_only():
    found = {name.partition(".")[0] for _, name in tree.imported(ast.parse(CLIENT.read_text()))}
    assert found - sys.stdlib_module_names == {"requests"}


def test_it_runs_where_nothing_else_is_installed(tmp_path: Path):
    """Alone in a folder, without the project's own on the path."""
    (tmp_path / CLIENT.name).write_bytes(CLIENT.read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / CLIENT.name), "--help"],
        cwd=tmp_path, env={}, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "exit status:" in done.stdout and "PORTAL_TOKEN_FILE" in done.stdout
