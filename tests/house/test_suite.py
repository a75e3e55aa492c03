"""Rules about the tests themselves: few patches, none of our own code, no socket to elsewhere."""

import ast
import socket

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.house import rules, tree

PATCHES_PER_HUNDRED = 2


def count_tests(module: ast.Module) -> int:
    """How many test functions a module has; a parametrised one counts once."""
    return sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for node in ast.walk(module)
    )


def test_at_most_two_patches_per_hundred_tests():
    modules = [tree.parsed(path) for path in tree.python("tests")]
    found = [
        f"{tree.short(path)}:{line} {target}"
        for path in tree.python("tests")
        for line, target in rules.patches(tree.parsed(path))
    ]
    allowed = sum(map(count_tests, modules)) * PATCHES_PER_HUNDRED // 100
    assert len(found) <= allowed, found


def test_nothing_of_ours_is_patched():
    assert [
        f"{tree.short(path)}:{line} {sentence}"
        for path in tree.python("tests")
        for line, sentence in rules.patches_of_ours(tree.parsed(path))
    ] == []


@pytest.mark.parametrize(
    "source",
    [
        "monkeypatch.setattr(services, 'place', fake)",
        "with mock.patch('reinstall.services.orders.place'): pass",
        "with unittest.mock.patch.object(services, 'place'): pass",
        "with patch('reinstall.services.orders.place'): pass",
        "mocker.patch('reinstall.tasks.advance_job')",
    ],
)
def test_a_patch_is_counted_and_known_as_ours(source: str):
    module = ast.parse(f"from reinstall import services\n{source}\n")
    assert len(list(rules.patches(module))) == 1
    assert len(list(rules.patches_of_ours(module))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "monkeypatch.setenv('NAME', 'x')",
        "client.patch('/api/v1/presets/1/', {})",
        "monkeypatch.chdir(tmp_path)",
    ],
)
def test_what_is_no_patch_is_not_counted(source: str):
    assert list(rules.patches(ast.parse(source))) == []


@pytest.mark.filterwarnings("ignore:A test tried to use")
def test_a_socket_to_another_machine_is_refused():
    # 192.0.2.0/24 is set aside for documentation (RFC 5737): nobody answers there.
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_socket_to_this_machine_works():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
