"""What committed text may name: no path of somebody's machine, no package host, no other host's assets."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import tree

#: name of the rule -> what breaks it. This file is the only one that may spell these out.
RULES = {
    "no path of a machine": re.compile(r"(?<![\w.~-])/(?:work|root|Users|home/\w+|tmp/\w+)/[\w.]"),
    "no package host": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|/simple/|--(?:extra-)?index-url\b(?!`)|--trusted-host|/opt/pypi"
    ),
    "no content network": re.compile(
        r"cdn\.|cdnjs|unpkg\.com|jsdelivr|bootstrapcdn|fonts\.(?:googleapis|gstatic)|ajax\.googleapis",
        re.IGNORECASE,
    ),
}

BREAKS = {
    "no path of a machine": ["see /root/.venv/bin", "open('/home/anna/x')", "cd /work/main", "/tmp/brief/x"],
    "no package host": ["https://pypi.org/project/django", "-i http://mirror/simple/", "--extra-index-url x"],
    "no content network": ["https://cdn.example.com/x.js", "https://unpkg.com/htmx", "fonts.googleapis.com"],
}

HARMLESS = {
    "no path of a machine": ["/srv/ecsportal/var/", "network/work/", "~/work/x", "/home/", "a/root/b"],
    "no package host": ["--no-emit-index-url", "simple", "pip install -r requirements/runtime.txt"],
    "no content network": ["abcdn", "the content network"],
}


def found(rule: re.Pattern[str]) -> list[str]:
    return [
        f"{tree.short(path)}:{number} {line.strip()[:100]}"
        for path in tree.files()
        if path.name != "test_texts.py"
        for number, line in enumerate(tree.text(path).splitlines(), 1)
        if rule.search(line)
    ]


@pytest.mark.parametrize("name", RULES)
def test_the_text_keeps_the_rule(name: str):
    assert not (breaks := found(RULES[name])), "\n".join(breaks)


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name in BREAKS for sample in BREAKS[name]])
def test_the_rule_catches_its_break(name: str, sample: str):
    assert RULES[name].search(sample)


@pytest.mark.parametrize(
    ("name", "sample"), [(name, sample) for name in HARMLESS for sample in HARMLESS[name]]
)
def test_the_rule_leaves_the_rest_alone(name: str, sample: str):
    assert not RULES[name].search(sample)


# ---------------------------------------------------------------- requirements


def locked(text: str) -> dict[str, int]:
    """How many hashes each locked package has; raises ValueError on any other line."""
    counts: dict[str, int] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if pin := re.fullmatch(r"([a-z0-9][a-z0-9._-]*)(?:\[[\w, -]+\])?==[\w.+!-]+(?: ; .+?)? \\", line):
            name = pin.group(1)
            counts[name] = 0
        elif re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line):
            counts[name] += 1
        else:
            raise ValueError(f"neither a pinned package nor a hash: {line!r}")
    return counts


def asked_for(text: str) -> set[str]:
    """The packages a requirements/*.in names."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return {re.split(r"[\[<>=!~; ]", line)[0].lower() for line in lines if line and not line.startswith("-")}


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_every_requirement_is_pinned_and_hashed(name: str):
    counts = locked(tree.text(tree.ROOT / f"requirements/{name}.txt"))
    assert [package for package, hashes in counts.items() if not hashes] == []
    assert asked_for(tree.text(tree.ROOT / f"requirements/{name}.in")) - set(counts) == set()


def test_development_has_the_versions_of_production():
    pins = [
        set(re.findall(r"^\S.*?==\S+", tree.text(tree.ROOT / f"requirements/{name}.txt"), re.MULTILINE))
        for name in ("runtime", "dev")
    ]
    assert pins[0] - pins[1] == set()


def extras_locked(text: str) -> dict[str, set[str]]:
    """The extras each locked package is pinned with."""
    return {
        name: {extra.strip() for extra in extras.split(",") if extra}
        for name, extras in re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[([\w, -]+)\])?==", text, re.MULTILINE)
    }


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_what_a_package_asks_for_with_an_extra_is_pinned_with_it(name: str):
    # pip takes `coverage[toml]` for another package than `coverage`, and stops once a newer one is out.
    pinned = extras_locked(tree.text(tree.ROOT / f"requirements/{name}.txt"))
    wanted = [
        (package, Requirement(line))
        for package in pinned
        for found in metadata.distributions(name=package)
        for line in found.requires or ()
    ]
    missing = [
        f"{package} asks for {asked}"
        for package, asked in wanted
        if asked.extras
        and (asked.marker is None or any(asked.marker.evaluate({"extra": e}) for e in ("", *pinned[package])))
        and not asked.extras <= pinned.get(canonicalize_name(asked.name), set())
    ]
    assert missing == []


@pytest.mark.parametrize(
    "line", ["-i https://mirror.example", "django>=5", "django==5.2", "x @ https://a.example/x.whl"]
)
def test_a_line_that_is_no_pin_is_refused(line: str):
    with pytest.raises(ValueError, match="neither"):
        locked(line)
