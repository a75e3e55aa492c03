"""Two texts compared line by line."""

from reinstall.domain.textdiff import MOST, DiffLine, diff


def test_what_went_and_what_came_with_a_little_around_it() -> None:
    before = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
    found = diff(before, before.replace(b"four", b"4"))
    assert [(line.kind, line.text) for line in found.lines] == [
        ("same", "two"),
        ("same", "three"),
        ("gone", "four"),
        ("come", "4"),
        ("same", "five"),
        ("same", "six"),
    ]
    assert (found.gone, found.come, found.left_out) == (1, 1, 0)
    assert found.words == "1 line added, 1 removed"


def test_between_two_places_lines_are_left_out() -> None:
    before = "\n".join(str(number) for number in range(40)).encode()
    after = before.replace(b"3\n4\n", b"3\nx\n").replace(b"35", b"y")
    kinds = [line.kind for line in diff(before, after).lines]
    assert kinds.count("gap") == 1 and kinds[0] != "gap"


def test_a_script_that_was_not_there_has_no_line() -> None:
    assert diff(b"", b"a\nb").lines == (DiffLine("come", "a"), DiffLine("come", "b"))
    assert diff(b"a", b"").lines == (DiffLine("gone", "a"),)


def test_lines_that_look_like_the_marks_of_a_difference_stay_text() -> None:
    found = diff(b"x\n", b"--- x\n+++ y\n@@ z\n")
    assert [line.text for line in found.lines if line.kind == "come"] == ["--- x", "+++ y", "@@ z"]


def test_line_ends_of_windows_and_bytes_that_are_no_text_are_seen() -> None:
    assert [line.text for line in diff(b"a\n", b"a\r\n\xff\n").lines if line.kind == "come"] == ["a␍", "�"]


def test_a_difference_nobody_reads_to_its_end_is_cut_and_counted() -> None:
    found = diff(b"", b"x\n" * 1000)
    assert len(found.lines) == MOST and found.left_out == 1001 - MOST and found.come == 1001
