"""Rules of templates, styles and scripts: a strict content security policy, components that stand alone."""

import re

import pytest

from tests.house import tree

#: name of the rule -> what breaks it, in a template.
TEMPLATE_RULES = {
    "escaping stays on": re.compile(r"\|\s*safe(seq)?\b|\{%\s*autoescape\s+off|\{%\s*filter\s+safe"),
    "no style attribute (the policy blocks it)": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "no style element": re.compile(r"<style\b", re.IGNORECASE),
    "no inline script (the policy blocks it)": re.compile(
        r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*type=[\"']application/(ld\+)?json)", re.IGNORECASE
    ),
    "a script has the nonce (the policy runs no other)": re.compile(
        r"<script\b(?![^>]*\bnonce=)(?![^>]*type=[\"']application/(ld\+)?json)", re.IGNORECASE
    ),
    "no handler attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "no javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "nothing loaded from another host": re.compile(
        r"<(script|img|link|iframe|source)\b[^>]*(src|href)\s*=\s*[\"'](https?:)?//", re.IGNORECASE
    ),
    "a component gets what it is given, only": re.compile(
        r"\{%\s*include\s+[\"'](?:[\w/-]*/)?components/[^_\W](?:(?!\bonly\s*%\})[^%])*%\}"
    ),
}

TEMPLATE_BREAKS = {
    "escaping stays on": ["{{ reason|safe }}", "{% autoescape off %}x{% endautoescape %}"],
    "no style attribute (the policy blocks it)": ['<p class="a" style="color:red">', "<div\n  style='x'>"],
    "no style element": ["<style>p{}</style>"],
    "no inline script (the policy blocks it)": [
        "<script>go()</script>",
        '<script type="module">go()</script>',
    ],
    "a script has the nonce (the policy runs no other)": ['<script type="module" src="x.js"></script>'],
    "no handler attribute": ['<button onclick="go()">', "<form\n onsubmit='x'>"],
    "no javascript: address": ['<a href="javascript:go()">'],
    "nothing loaded from another host": [
        '<script src="https://x.example/a.js">',
        '<img alt="" src="//x.example/a">',
    ],
    "a component gets what it is given, only": [
        '{% include "components/badge.html" %}',
        '{% include "components/badge.html" with state=job.state %}',
    ],
}

TEMPLATE_HARMLESS = [
    '<script nonce="{{ nonce }}" src="{% static "js/live.js" %}" defer></script>',
    '<script type="application/json" id="steps">[]</script>',
    '{% include "components/badge.html" with state=job.state only %}',
    '{% include "reinstall/jobs/_steps.html" %}',
    '<a href="https://docs.example.com/">the manual</a> <p>style = taste</p>',
    "{{ value|safeguard }}",
]

SCRIPT_RULES = {
    "no code from text (the policy blocks it)": re.compile(r"\beval\s*\(|new\s+Function\s*\("),
    "no address of another host": re.compile(r"[\"'(](https?:)?//[a-z0-9.-]+\.[a-z]", re.IGNORECASE),
    "no import from another host": re.compile(r"@import\s+(url\()?[\"']?(https?:)?//", re.IGNORECASE),
}

SCRIPT_BREAKS = {
    "no code from text (the policy blocks it)": ["eval('x')", "new Function('x')"],
    "no address of another host": ["fetch('https://x.example/a')", 'url("//fonts.example.com/a")'],
    "no import from another host": ["@import url(https://x.example/a.css)"],
}


def without_comments(text: str) -> str:
    """A template without its {# … #} and {% comment %} parts; lines keep their numbers."""
    pattern = re.compile(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}", re.DOTALL)
    return pattern.sub(lambda found: "\n" * found.group().count("\n"), text)


def broken(rule: re.Pattern[str], top: str, *ending: str) -> list[str]:
    """What breaks `rule`, as `file:line text`."""
    paths = tree.files(top, ending=ending)
    assert paths, f"no {ending} under {top}: the rule looks at no file"
    return [
        f"{tree.short(path)}:{text.count(chr(10), 0, match.start()) + 1} {match.group()[:80]}"
        for path in paths
        for text in [without_comments(tree.text(path))]
        for match in rule.finditer(text)
    ]


@pytest.mark.parametrize("name", TEMPLATE_RULES)
def test_templates_keep_the_rule(name: str):
    assert broken(TEMPLATE_RULES[name], "templates", ".html") == []


@pytest.mark.parametrize("name", SCRIPT_RULES)
def test_styles_and_scripts_keep_the_rule(name: str):
    assert broken(SCRIPT_RULES[name], "static", ".css", ".js") == []


@pytest.mark.parametrize(
    ("rule", "sample"),
    [
        (rules[name], sample)
        for rules, breaks in ((TEMPLATE_RULES, TEMPLATE_BREAKS), (SCRIPT_RULES, SCRIPT_BREAKS))
        for name in rules
        for sample in breaks[name]
    ],
)
def test_the_rule_catches_its_break(rule: re.Pattern[str], sample: str):
    assert rule.search(sample)


@pytest.mark.parametrize("sample", TEMPLATE_HARMLESS)
def test_the_rules_leave_the_rest_alone(sample: str):
    assert [name for name, rule in TEMPLATE_RULES.items() if rule.search(without_comments(sample))] == []


def test_a_comment_is_no_break():
    assert not TEMPLATE_RULES["escaping stays on"].search(without_comments("{# never |safe #}"))
