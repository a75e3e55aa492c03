"""Hostile scripts: whatever the bytes, there is an answer, in sentences that fit, after few steps."""

import gzip
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reinstall.domain import userdata, userdata_tree
from reinstall.domain.findings import ALL_MOST, USER_DATA_MAX_BYTES

HEAD = b"#cloud-config\n"
ALIASES = b"a0: &a0 [x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 400)
)
WORST = {
    "brackets": HEAD + b"[" * 32_000,
    "braces": HEAD + b"{" * 32_000,
    "a flow of brackets": HEAD + b"runcmd: [" + b"[]," * 10_000 + b"]",
    "dashes": HEAD + b"- " * 16_000,
    "question marks": HEAD + b"? " * 16_000,
    "aliases of aliases": HEAD + ALIASES,
    "anchors": HEAD + b"&a " * 10_000,
    "keys nobody knows": HEAD + b"".join(b"runcmdx%d: 1\n" % n for n in range(2_000)),
    "the same key": HEAD + b"a:\n" * 10_000,
    "one long word": HEAD + b"a" * 32_000,
    "escapes": HEAD + b'x: "' + b"\\x41" * 8_000,
    "spaces": b"#!/bin/sh\n" + b" " * 32_000,
    "line feeds": b"#!/bin/sh\n" + b"\n" * 32_000,
    "wrong bytes": b"#!/bin/sh\n" + b"\xff\n" * 16_000,
    "words like passwords": b"#!/bin/sh\n" + b"password" * 4_000,
    "words like tokens": b"#!/bin/sh\n" + b"token= " * 4_000,
    "addresses": b"#!/bin/sh\n" + b"a://b:" * 5_000,
    "base64": b"A" * 32_768,
    "entities": b"&amp;" * 6_000,
    "boundaries": b'Content-Type: multipart/mixed; boundary="B"\n\n' + b"--B\n" * 8_000,
    "a bomb": gzip.compress(HEAD + b"[" * 20_000_000, mtime=0),
    "a bomb of lines": gzip.compress(b"#!/bin/sh\n" + b"\n" * 20_000_000, mtime=0),
}
#: Calls of functions, with room: the worst of these takes half of it, with the parser that is all Python.
STEPS_MOST = 5_000_000


def calls_of(work: Callable[[], object]) -> int:
    """How many functions `work` calls, C functions included: the same number on every machine."""
    count = 0

    def heard(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
@pytest.mark.parametrize("name", WORST)
def test_the_worst_texts_take_few_steps(name: str, loader: type) -> None:
    def parsed() -> None:
        with suppress(userdata_tree.NotYaml):
            userdata_tree.tree_of(WORST[name].decode("utf-8", "replace"), loader)

    assert calls_of(parsed) < STEPS_MOST


@pytest.mark.parametrize("name", WORST)
def test_looking_the_worst_texts_over_takes_few_steps(name: str) -> None:
    assert calls_of(lambda: userdata.findings(WORST[name], "Linux")) < STEPS_MOST


@pytest.mark.parametrize("name", WORST)
def test_the_worst_texts_get_a_short_answer(name: str) -> None:
    found = userdata.findings(WORST[name], "Linux")
    assert len(found) <= ALL_MOST + 1
    assert all(len(it.sentence) < 400 for it in found)


def test_aliases_are_not_followed() -> None:
    (root,) = userdata_tree.tree_of(ALIASES.decode())
    assert len(root.pairs) == 400
    assert {item.kind for _, value in root.pairs[1:] for item in value.items} == {"alias"}


def test_no_tag_makes_an_object() -> None:
    text = "!!python/object/apply:os.system ['true']\n"
    (root,) = userdata_tree.tree_of(text)
    assert (root.kind, [item.text for item in root.items]) == ("list", ["true"])


HEADS = st.sampled_from(
    [
        b"",
        HEAD,
        b"#!/bin/sh\n",
        b"#include\n",
        b"#cloud-config-archive\n",
        b"\x1f\x8b\x08",
        b"Content-Type: ",
        b"## template: jinja\n",
        b"#ps1\n",
    ]
)
YAML_BITS = st.lists(
    st.sampled_from(list("abc:-?&*!|>[]{}'\"#%@`, \n\t") + ["runcmd", "users", "\n  ", ": ", "- ", "---\n"]),
    max_size=80,
).map(lambda bits: "".join(bits).encode())


@given(HEADS, st.binary(max_size=300) | YAML_BITS | st.text(max_size=200).map(lambda text: text.encode()))
@example(HEAD, b"? [a]: b")
@example(HEAD, b"\xed\xa0\x80: 1")
@example(HEAD, b"\r(")
@example(HEAD, b"runc:")
@example(b"", b"\x85\n")
def test_there_is_an_answer_for_any_bytes(head: bytes, rest: bytes) -> None:
    raw = head + rest
    lines = raw.count(b"\n") + 1
    for finding in userdata.findings(raw, "Linux"):
        assert finding.level in ("to_know", "must_fix")
        assert finding.sentence.endswith((".", "?")) and "\n" not in finding.sentence
        assert finding.line is None or 1 <= finding.line <= lines
        assert finding.sentence == finding.place + finding.rest
        assert (finding.line is not None) is finding.sentence.startswith("Line ")


@given(st.integers(min_value=-2, max_value=2), st.sampled_from(["a", "é", "€", "😀"]))
def test_the_limit_counts_bytes_whatever_the_letters(off: int, letter: str) -> None:
    size = USER_DATA_MAX_BYTES + off
    body = letter.encode()
    raw = b"#!/bin/sh\n#" + b"#" * ((size - 11) % len(body)) + body * ((size - 11) // len(body))
    assert len(raw) == size
    refused = [it for it in userdata.findings(raw) if it.level == "must_fix"]
    assert bool(refused) is (size > USER_DATA_MAX_BYTES)
