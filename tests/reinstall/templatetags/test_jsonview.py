"""JSON as coloured pieces."""

import json

from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from reinstall.templatetags.jsonview import json_pieces

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_keys_strings_numbers_and_masked_values_are_told_apart() -> None:
    pieces = json_pieces({"user_data": "hidden: 184 B, sha256 41c0", "n": -1.5, "s": "x", "b": True})
    told = {piece.text: piece.kind for piece in pieces if piece.kind}
    assert told == {
        '"user_data"': "k",
        '"hidden: 184 B, sha256 41c0"': "m",
        '"n"': "k",
        "-1.5": "d",
        '"s"': "k",
        '"x"': "s",
        '"b"': "k",
        "true": "d",
    }


@given(JSON)
def test_the_pieces_are_the_document_and_nothing_else(value: object) -> None:
    assert json.loads("".join(piece.text for piece in json_pieces(json.dumps(value)))) == value


def test_what_is_no_json_is_shown_whole() -> None:
    [piece] = json_pieces("HTTP 502 <b>bad</b>")
    assert (piece.kind, piece.text) == ("", "HTTP 502 <b>bad</b>")


def test_markup_in_a_value_stays_text() -> None:
    html = Template('{% include "components/code.html" with body=v label="Body" only %}').render(
        Context({"v": {"name": "</pre><script>alert(1)</script>"}})
    )
    assert "<script>" not in html
    assert html.count("</pre>") == 1
