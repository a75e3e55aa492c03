"""cloud-config looked over: is it YAML, does Cloud-Init know its keys, have their values the right type."""

import difflib
import re
from collections.abc import Iterator

from reinstall.domain import userdata_keys as keys
from reinstall.domain.findings import Finding, about_all, about_line
from reinstall.domain.userdata_tree import Node, NotYaml, tree_of

#: A key is quoted up to here: nobody's key is longer, and a pasted secret must not be.
_KEY_SHOWN = 40
#: Searching for what was meant is slow; a text with more unknown keys than this is no cloud-config at all.
_HINTS_MOST = 8
_KEY = re.compile(r"[A-Za-z][\w-]*")
#: More like a word of this file than this is taken for a typing error (difflib's ratio).
_LIKE = 0.75
#: YAML's own key, which merges in what an anchor holds.
_MERGE = "<<"
_TRUE = frozenset(("true", "yes", "on", "1"))
_TABBED = re.compile(r" *\t")


def config_findings(text: str) -> Iterator[Finding]:
    """What is to know about a cloud-config; lines count from the first line of `text`."""
    try:
        documents = tree_of(text)
    except NotYaml as error:
        yield from _unreadable(text, error)
        return
    if len(documents) > 1:
        yield about_line(
            documents[1].line,
            "second_document",
            " begins a second document (---): Cloud-Init reads one only.",
        )
    if not documents or documents[0].kind == "null":
        yield about_all("empty_config", "The cloud-config has no keys: nothing will be done.")
        return
    root = documents[0]
    if root.kind != "map":
        yield about_line(
            root.line,
            "wrong_type",
            f" begins {_words(root)}; a cloud-config consists of keys, such as runcmd:.",
        )
        return
    yield from _duplicates(root)
    unknown = _Unknown()
    for key, value in root.pairs:
        yield from _top_level(key, value, unknown)


def looks_like_config(text: str) -> bool:
    """True for text without the header that reads as a cloud-config: keys Cloud-Init knows, on top."""
    try:
        documents = tree_of(text)
    except NotYaml:
        return False
    root = documents[0] if documents else None
    if root is None or root.kind != "map":
        return False
    known = sum(key.text in keys.KEYS for key, _ in root.pairs)
    return known * 2 > len(root.pairs)


def archive_findings(text: str) -> Iterator[Finding]:
    """A #cloud-config-archive is a YAML list; what it holds is not looked into."""
    try:
        documents = tree_of(text)
    except NotYaml as error:
        yield from _unreadable(text, error)
        return
    if not documents or documents[0].kind != "list":
        yield about_all("wrong_type", "A #cloud-config-archive is a list, each item with type and content.")


def _unreadable(text: str, error: NotYaml) -> Iterator[Finding]:
    """Tabs first: YAML's own words for one are hard to understand."""
    lines = text.split("\n")
    if error.line is None:
        yield about_all("not_yaml", f"This is not valid YAML: {error.problem}.")
        return
    line = min(error.line, len(lines))
    if _TABBED.match(lines[line - 1]):
        yield about_line(line, "tab", " is indented with a tab; YAML takes spaces only.")
        return
    if error.column is None:
        yield about_line(line, "not_looked_over", f" ends the look: {error.problem}.")
    else:
        rest = f" is not valid YAML at column {error.column}: {error.problem}."
        yield about_line(line, "not_yaml", rest)


def _duplicates(root: Node) -> Iterator[Finding]:
    """Keys given twice, at any depth; walked without recursion."""
    todo = [root]
    while todo:
        node = todo.pop()
        seen: set[str] = set()
        for key, value in node.pairs:
            if key.kind not in ("map", "list", "alias"):
                if key.text in seen:
                    yield about_line(
                        key.line,
                        "duplicate_key",
                        f" gives {_shown(key)} a second time; only the last one counts.",
                    )
                seen.add(key.text)
            todo.extend((key, value))
        todo.extend(node.items)


def _top_level(key: Node, value: Node, unknown: "_Unknown") -> Iterator[Finding]:
    name = key.text
    if name in keys.NOT_HERE:
        yield about_line(key.line, "not_here", f" has {name}: {keys.NOT_HERE[name]}.")
    elif name not in keys.KEYS and name not in keys.OLD_KEYS and name != _MERGE:
        yield unknown.key(key, keys.KEYS, "Cloud-Init does not know")
    yield from _typed(name, value, keys.TYPES.get(name, ()), name)
    if name in keys.ITEMS and value.kind == "list":
        for item in value.items:
            yield from _item(name, item, unknown)
    if name == "ssh_pwauth" and value.text.lower() in _TRUE:
        yield about_line(value.line, "password_login", " lets people sign in with a password (ssh_pwauth).")


def _item(name: str, item: Node, unknown: "_Unknown") -> Iterator[Finding]:
    if name in ("runcmd", "bootcmd") and item.kind == "map":
        yield about_line(
            item.line,
            "wrong_type",
            f": this command of {name} reads as a key and a value, because of “: ” in it. Quote the whole.",
        )
        return
    yield from _typed(name, item, keys.ITEMS[name], f"an item of {name}")
    if name not in keys.ITEM_KEYS or item.kind != "map":
        return
    for key, value in item.pairs:
        if key.text.replace("-", "_") not in keys.ITEM_KEYS[name] and key.text != _MERGE:
            yield unknown.key(key, keys.ITEM_KEYS[name], f"{name} does not know")
        if key.text == "permissions" and value.kind == "int" and not value.text.startswith("0"):
            yield about_line(
                value.line,
                "wrong_type",
                f": permissions {value.text[:6]} is read as a decimal number. Write '0{value.text[:6]}'.",
            )
    given = {key.text for key, _ in item.pairs}
    needed = keys.ITEM_NEEDS[name]
    # What an alias merges in (<<) is not followed; it may well hold the rest.
    if not given & {*needed, _MERGE}:
        yield about_line(item.line, "missing_key", f": this item of {name} has no {needed[0]}.")


def _typed(name: str, value: Node, wanted: tuple[str, ...], what: str) -> Iterator[Finding]:
    if not wanted or value.kind in (*wanted, "alias"):
        return
    words = " or ".join(keys.WORDS[kind] for kind in wanted)
    hint = ""
    if keys.TEXT in wanted and value.kind in ("bool", "int", "float", "timestamp"):
        hint = " Put it in quotes."
    yield about_line(value.line, "wrong_type", f": {what} wants {words}, not {_words(value)}.{hint}")


class _Unknown:
    """Sentences about keys nobody knows; the first few with what was probably meant."""

    def __init__(self) -> None:
        self.hints_left = _HINTS_MOST

    def key(self, key: Node, known: frozenset[str], who: str) -> Finding:
        """One such key; `who` does not know it."""
        hint = ""
        if self.hints_left > 0:
            self.hints_left -= 1
            name = key.text[:_KEY_SHOWN].replace("-", "_")
            like = difflib.get_close_matches(name, known, 1, _LIKE)
            hint = f" Did you mean {like[0]}?" if like else ""
        return about_line(key.line, "unknown_key", f": {who} {_shown(key)}.{hint}")


def _shown(key: Node) -> str:
    """The key in quotes, where it is one; what is none may be anything, so it is not repeated."""
    plain = _KEY.fullmatch(key.text) and len(key.text) <= _KEY_SHOWN
    return f"the key “{key.text}”" if plain else "this key"


def _words(node: Node) -> str:
    if node.kind == "str" and not node.text:
        return "empty text"
    return keys.WORDS.get(node.kind, node.kind)
