"""Text and controls stand out enough from what is behind them, in both themes (WCAG 1.4.3 and 1.4.11)."""

import re
from itertools import product

import pytest

from tests.house import tree

TEXT, CONTROL = 4.5, 3.0
BEHIND = ("surface", "canvas", "sunken")
TONES = ("ok", "run", "attn", "bad", "idle", "sim")

PAIRS = [
    *(
        (text, behind, TEXT)
        for text, behind in product(("text", "text-2", "text-3", "link"), (*BEHIND, "select"))
    ),
    *((tone, behind, TEXT) for tone in TONES for behind in ("surface", "canvas", f"{tone}-tint")),
    *((f"{tone}-solid", behind, CONTROL) for tone in TONES for behind in ("surface", "sunken")),
    *(("line-strong", behind, CONTROL) for behind in ("surface", "canvas")),
    *(("focus", behind, CONTROL) for behind in BEHIND),
    *(("on-ink", behind, TEXT) for behind in ("ink", "ink-hover")),
    *(("on-danger", behind, TEXT) for behind in ("danger-btn", "danger-btn-hover")),
    ("danger-btn", "surface", CONTROL),
    *(
        (code, "code-bg", TEXT)
        for code in ("text", "text-2", "code-key", "code-str", "code-num", "code-mask")
    ),
]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def tokens(css: str) -> dict[str, tuple[str, str]]:
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", css)
    return {name: (light, dark) for name, light, dark in found}


CSS = tree.text(tree.ROOT / "static/css/tokens.css")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_stands_out(theme: str):
    known = tokens(CSS)
    at = ("light", "dark").index(theme)
    low = {
        f"{front} on {back}": round(contrast(known[front][at], known[back][at]), 2)
        for front, back, floor in PAIRS
        if contrast(known[front][at], known[back][at]) < floor
    }
    assert low == {}


def test_a_browser_without_light_dark_gets_the_same_light_theme():
    fallback = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS))
    assert fallback == {name: light for name, (light, _) in tokens(CSS).items()}


def test_contrast_is_measured_as_defined():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
