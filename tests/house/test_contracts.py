"""Each import contract catches the break it is for: shown on a copy of the tree with bad imports."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house import tree

PACKAGES = ("ecsportal", "reinstall", "ecsclient", "simulator")
DOORS = "Inside reinstall: doors above services above models above domain"

#: contract -> [(module that is added to the copy, what it imports)]; every import must be reported.
BREAKS: dict[str, list[tuple[str, str]]] = {
    DOORS: [
        ("reinstall.domain.zz_up", "reinstall.models"),
        ("reinstall.models.zz_up", "reinstall.services"),
        ("reinstall.selectors.zz_aside", "reinstall.services"),
        ("reinstall.services.zz_aside", "reinstall.selectors"),
        ("reinstall.services.zz_up", "reinstall.web"),
        ("reinstall.web.zz_aside", "reinstall.api"),
        ("reinstall.api.zz_aside", "reinstall.web"),
        ("reinstall.admin.zz_aside", "reinstall.web"),
    ],
    "The domain is plain Python": [
        ("reinstall.domain.zz_django", "django"),
        ("reinstall.domain.zz_client", "ecsclient"),
    ],
    "Services and below know no HTTP framework, no Celery, no requests": [
        ("reinstall.services.zz_celery", "celery"),
        ("reinstall.services.zz_requests", "requests"),
        ("reinstall.selectors.zz_rest", "rest_framework"),
        ("reinstall.models.zz_rest", "rest_framework"),
    ],
    "Only services talk to the cloud": [
        ("reinstall.web.zz_cloud", "ecsclient"),
        ("reinstall.selectors.zz_cloud", "ecsclient"),
    ],
    "The client is plain Python and knows nobody here": [
        ("ecsclient.zz_django", "django"),
        ("ecsclient.zz_portal", "reinstall"),
    ],
    "The simulator is an independent reading of the API": [
        ("simulator.zz_client", "ecsclient"),
        ("simulator.zz_requests", "requests"),
    ],
    "Nothing in the product imports the project or the simulator": [
        ("reinstall.services.zz_settings", "ecsportal"),
        ("reinstall.web.zz_simulator", "simulator"),
    ],
    "The destructive call has one door": [("reinstall.services.zz_wipe", "ecsclient.reinstallos")],
    "Only the engine submits": [("reinstall.web.zz_submit", "reinstall.services.submission")],
}
#: Two siblings that import each other; this contract reports them by their own words.
CYCLE = "No cycles between siblings"
CYCLE_MODULES = ("ecsclient.zz_one", "ecsclient.zz_two")


def contracts() -> list[str]:
    settings = tomllib.loads(tree.text(tree.ROOT / "pyproject.toml"))
    return [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


def add(top: Path, module: str, imports: str) -> None:
    path = top.joinpath(*module.split(".")).with_suffix(".py")
    path.write_text(f"import {imports}\n", encoding="utf-8")


def lint(top: Path) -> tuple[int, str]:
    """Exit status and report of the import linter, run on the tree at `top`."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=top, capture_output=True, text=True, timeout=110, check=False)
    return done.returncode, done.stdout + done.stderr


def section(report: str, contract: str) -> str:
    """The part of the report under the contract's own heading, "" when there is none."""
    found = re.search(
        rf"^{re.escape(contract)}\n-+\n(.*?)(?=^[^\n]+\n-{{5,}}\n|\Z)", report, re.MULTILINE | re.DOTALL
    )
    return found.group(1) if found else ""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy in which every contract is broken."""
    top = tmp_path_factory.mktemp("copy")
    shutil.copy(tree.ROOT / "pyproject.toml", top)
    for package in PACKAGES:
        shutil.copytree(tree.ROOT / package, top / package, ignore=shutil.ignore_patterns("__pycache__"))
    for breaks in BREAKS.values():
        for module, imports in breaks:
            add(top, module, imports)
    add(top, CYCLE_MODULES[0], CYCLE_MODULES[1])
    add(top, CYCLE_MODULES[1], CYCLE_MODULES[0])
    status, text = lint(top)
    assert status == 1 and "Broken contracts" in text, text
    return text


def test_every_contract_has_its_break():
    assert set(contracts()) == {*BREAKS, CYCLE}


@pytest.mark.parametrize(
    ("contract", "module", "imports"),
    [(contract, module, imports) for contract, breaks in BREAKS.items() for module, imports in breaks],
)
def test_the_contract_catches_the_import(report: str, contract: str, module: str, imports: str):
    assert f"{contract} BROKEN" in report
    assert re.search(rf"{re.escape(module)} -> {re.escape(imports)}\b", section(report, contract)), report


def test_a_cycle_of_siblings_is_caught(report: str):
    assert f"{CYCLE} BROKEN" in report
    assert "zz_one" in section(report, CYCLE)
