"""An answer cut anywhere is never whole, and how it is cut into segments does not matter."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsclient.answerreader import AnswerBroken, AnswerReader, Head


def _chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts if p) + b"0\r\n\r\n"


_parts = st.lists(st.binary(max_size=40), max_size=4)
_interim = st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
_answers = st.tuples(_interim, _parts, st.booleans()).map(
    lambda t: (
        t[0]
        + (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(t[1])
            if t[2]
            else b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (sum(map(len, t[1])), b"".join(t[1]))
        ),
        b"".join(t[1]),
    )
)


def _feed(data: bytes, size: int) -> Callable[[], bytes]:
    pieces = iter([data[i : i + size] for i in range(0, len(data), size)])
    return lambda: next(pieces, b"")


def _read(data: bytes, size: int) -> tuple[Head, bytes]:
    reader = AnswerReader(_feed(data, size), max_body=1000)
    head = reader.head()
    reader.read_body(head)
    return head, bytes(reader.body)


@settings(max_examples=150, deadline=None)
@given(_answers, st.integers(1, 200))
def test_segments_do_not_matter(answer: tuple[bytes, bytes], size: int) -> None:
    head, body = _read(answer[0], size)
    assert (head.status, body) == (200, answer[1])


@settings(max_examples=150, deadline=None)
@given(_answers, st.data())
def test_an_answer_cut_anywhere_is_not_whole(answer: tuple[bytes, bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(answer[0]) - 1))
    with pytest.raises(AnswerBroken):
        _read(answer[0][:cut], 7)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300).map(lambda b: b"HTTP/1.1 200 OK\r\n" + b), st.integers(1, 50))
def test_noise_ends_in_an_answer_or_in_a_broken_one(data: bytes, size: int) -> None:
    try:
        head, body = _read(data, size)
    except AnswerBroken:
        return
    assert head.status == 200
    assert len(body) <= 1000
