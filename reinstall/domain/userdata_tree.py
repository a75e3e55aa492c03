"""YAML as a tree that remembers its lines, read safely: no tag makes an object, no alias is followed.

The steps are bounded whatever the text: events are taken one by one, depth and number are limited, and
nothing recurses. PyYAML parses; its C parser is used where the installed wheel has it.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

DEPTH_MOST = 60
NODES_MOST = 40_000

#: The parser in C where the wheel has it; the other one gives the same trees, slower.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Any = yaml.resolver.Resolver()
_PREFIX = "tag:yaml.org,2002:"


class NotYaml(Exception):
    """The text is no YAML, or more tangled than any real one. `line` and `column` count from 1."""

    def __init__(self, problem: str, line: int | None, column: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


@dataclass(slots=True)
class Node:
    """kind: map, list, str, bool, int, float, null, timestamp, binary or alias; line counts from 1.

    pairs: of a map, in order, repeated keys included. items: of a list. text: of everything else, as written.
    """

    kind: str
    line: int
    text: str = ""
    items: list["Node"] = field(default_factory=list)
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)
    waiting: "Node | None" = None


def tree_of(text: str, loader: Any = LOADER) -> list[Node]:
    """The documents of `text`, each a tree; raises NotYaml."""
    documents: list[Node] = []
    path: list[Node] = []
    count = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            count += 1
            if count > NODES_MOST:
                raise NotYaml("it has more parts than are looked at here", _line(event.start_mark))
            _take(event, path, documents)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        line = text[:position].count("\n") + 1 if isinstance(position, int) and position >= 0 else None
        raise NotYaml("it holds a character that YAML does not allow", line) from None
    return documents


def _take(event: yaml.Event, path: list[Node], documents: list[Node]) -> None:
    """One event more: a node is put into its parent, and becomes the parent of those that follow."""
    if isinstance(event, yaml.CollectionEndEvent):
        path.pop()
    elif isinstance(event, yaml.NodeEvent):
        node = _node(event)
        _put(node, path, documents)
        if isinstance(event, yaml.CollectionStartEvent):
            path.append(node)
            if len(path) > DEPTH_MOST:
                raise NotYaml(f"it is nested more than {DEPTH_MOST} levels deep", node.line)


def _put(node: Node, path: list[Node], documents: list[Node]) -> None:
    if not path:
        documents.append(node)
        return
    parent = path[-1]
    if parent.kind == "list":
        parent.items.append(node)
    elif parent.waiting is None:
        parent.waiting = node
    else:
        parent.pairs.append((parent.waiting, node))
        parent.waiting = None


def _node(event: yaml.NodeEvent) -> Node:
    line = _line(event.start_mark) or 1
    if isinstance(event, yaml.MappingStartEvent):
        return Node("map", line)
    if isinstance(event, yaml.SequenceStartEvent):
        return Node("list", line)
    if isinstance(event, yaml.ScalarEvent):
        return Node(_scalar_kind(event), line, str(event.value))
    return Node("alias", line)


def _scalar_kind(event: yaml.ScalarEvent) -> str:
    tag = event.tag
    if tag is None or tag == "!":
        tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
    kind = str(tag).removeprefix(_PREFIX)
    return kind if kind in ("bool", "int", "float", "null", "timestamp", "binary") else "str"


def _not_yaml(error: yaml.MarkedYAMLError) -> NotYaml:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "it cannot be read"
    if mark is None:
        return NotYaml(problem, None)
    return NotYaml(problem, mark.line + 1, mark.column + 1)


def _line(mark: Any) -> int | None:
    return None if mark is None else mark.line + 1
