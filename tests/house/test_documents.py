"""Documents that cannot rot: commands and names they mention exist, decisions have their four parts."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.house import tree

ADR_PARTS = ("## Status", "## Context", "## Decision", "## Consequences")
ADR_LINES = 60
MOST_SETTINGS = 40


def documents() -> list[Path]:
    return [path for path in tree.files(ending=(".md",)) if path.parent in (tree.ROOT, *_doc_folders())]


def _doc_folders() -> set[Path]:
    return {path.parent for path in tree.files("docs", "deploy")}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", tree.text(tree.ROOT / "Makefile"), re.MULTILINE))


def mentioned_targets(text: str) -> set[str]:
    """Targets in code: in `back ticks`, or at the start of a line of a code block."""
    spans = re.findall(r"`([^`\n]+)`", text)
    blocks = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    lines = [*spans, *(line for block in blocks for line in block.splitlines())]
    return {
        found.group(1)
        for line in lines
        if (found := re.match(r"\s*\$?\s*make (?:[A-Z]+=\S+ )*([a-z][a-z-]*)", line))
    }


def settings_in(text: str) -> set[str]:
    """ECSPORTAL_ names a text mentions, NAME_FILE counted as NAME."""
    return {name.removesuffix("_FILE") for name in re.findall(r"\bECSPORTAL_[A-Z0-9_]*[A-Z0-9]\b", text)}


def test_the_first_documents_are_there():
    assert [
        name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md") if not (tree.ROOT / name).is_file()
    ] == []


def test_every_make_command_of_the_documents_exists():
    wrong = {
        f"{tree.short(path)}: make {target}"
        for path in documents()
        for target in mentioned_targets(tree.text(path)) - make_targets()
    }
    assert wrong == set()


def test_the_contract_of_make_is_kept():
    promised = {"demo", "test", "test-all", "bench", "services"}
    assert promised <= make_targets()


def test_make_alone_lists_every_command():
    shown = subprocess.run(
        ["make"], cwd=tree.ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    hidden = {"venv-runtime", "venv-dev"}
    assert set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE)) == make_targets() - hidden


def test_every_setting_a_document_names_is_known():
    from ecsportal.env import KNOWN

    samples = [*documents(), *tree.files("deploy")]
    wrong = {
        f"{tree.short(path)}: {name}"
        for path in samples
        for name in settings_in(tree.text(path)) - set(KNOWN)
    }
    assert wrong == set()
    assert len(KNOWN) <= MOST_SETTINGS


def test_every_file_a_document_links_to_exists():
    wrong = {
        f"{tree.short(path)}: {target}"
        for path in documents()
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", tree.text(path))
        if not (path.parent / target).exists()
    }
    assert wrong == set()


def decisions() -> list[Path]:
    return tree.files("docs/adr", ending=(".md",))


def test_decisions_are_numbered_without_gaps():
    numbers = [path.name[:4] for path in decisions()]
    assert numbers
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("path", decisions(), ids=lambda path: path.name)
def test_a_decision_has_its_four_parts_on_one_page(path: Path):
    lines = tree.text(path).splitlines()
    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line for line in lines if line.startswith("## ")] == list(ADR_PARTS)
    assert len(lines) <= ADR_LINES
    for part in ADR_PARTS:
        after = [line for line in lines[lines.index(part) + 1 :] if line.strip()]
        assert after and not after[0].startswith("## "), f"{part} is empty"


def test_the_readers_of_documents_see():
    text = "`make demo`\n```\nmake PORT=9000 nothing\n$ make test\n```\nmake sure; `ECSPORTAL_DEBUG_FILE`"
    assert mentioned_targets(text) == {"demo", "nothing", "test"}
    assert settings_in(text) == {"ECSPORTAL_DEBUG"}
