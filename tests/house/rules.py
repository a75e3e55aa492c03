"""The house rules that can be read off a syntax tree: each yields (line, sentence) for what breaks it."""

import ast
import re
from collections.abc import Callable, Iterator

from tests.house import tree

Breaks = Iterator[tuple[int, str]]
Rule = Callable[[ast.Module], Breaks]

MODEL_SIGNALS = "django.db.models.signals"
#: Machinery that would send a message later or again. When to look again stands in the row (house rule 6).
LATER_OR_AGAIN = frozenset({"countdown", "eta", "autoretry_for", "retry_backoff", "retry_kwargs"})
CLOCKS = (".now", ".utcnow", ".today", "time.time", "time.time_ns", "localdate", "localtime")
PATCHES = ("monkeypatch.setattr", "monkeypatch.setitem", "monkeypatch.delattr", "mocker.patch", "mock.patch")
#: What belongs to a door: a web request, a form, a serializer (by annotation, or by name without one).
OF_A_DOOR = re.compile(r"(\b|Http|Wsgi|WSGI|ASGI)[Rr]equest\b|[Ff]orm\b|[Ss]erializer\b")
OURS = ("ecsportal", "reinstall", "ecsclient", "simulator")


def reads_the_clock(module: ast.Module) -> Breaks:
    """`now` comes in as an argument; doors read the clock (`time.monotonic` measures, it is no clock)."""
    for call, name in tree.calls(module):
        if name in ("now", "utcnow") or name.endswith(CLOCKS):
            yield call.lineno, f"{name}() reads the clock; take `now` as an argument"
    for line, name in tree.imported(module):
        if name in ("django.utils.timezone.now", "time.time"):
            yield line, f"{name} is a clock; take `now` as an argument"


def queries(module: ast.Module) -> Breaks:
    """Doors ask selectors and services; they build no query."""
    for node in tree.attributes(module):
        if node.attr in ("objects", "_default_manager", "_base_manager"):
            yield node.lineno, f"{tree.dotted(node)} belongs into selectors/ or services/"


def saves(module: ast.Module) -> Breaks:
    """No door, selector or tag saves: no `form.save()`, no `serializer.save()`, no row of its own."""
    for call, name in tree.calls(module):
        last = name.rpartition(".")[2]
        if "." in name and last in (
            "save",
            "bulk_create",
            "bulk_update",
            "get_or_create",
            "update_or_create",
        ):
            yield call.lineno, f"{name}() writes; only services/ write"


def signals(module: ast.Module) -> Breaks:
    """A signal runs code the reader of a service cannot see."""
    for line, name in tree.imported(module):
        if name.startswith((MODEL_SIGNALS, "django.dispatch")):
            yield line, f"{name}: the wake bell is the only signal; call the service instead"


def later_or_again(module: ast.Module) -> Breaks:
    """Celery carries hints; it never repeats a step and never keeps the time of the next one."""
    for call, name in tree.calls(module):
        for keyword in call.keywords:
            if keyword.arg in LATER_OR_AGAIN:
                yield call.lineno, f"{name}({keyword.arg}=…): the next step's time stands in the row"
        if name.endswith(".retry"):
            yield call.lineno, f"{name}(): a step is never repeated by Celery"


def queues(module: ast.Module) -> Breaks:
    """Work is queued by the wake bell after the commit, nowhere else."""
    for call, name in tree.calls(module):
        if name.endswith((".delay", ".apply_async", ".send_task")):
            yield call.lineno, f"{name}() queues by itself; ring services/wake instead"


def trusts_markup(module: ast.Module) -> Breaks:
    """Markup is built by templates and format_html, which escape."""
    for line, name in tree.imported(module):
        if name.endswith(".mark_safe"):
            yield line, f"{name} switches escaping off; use format_html"
    # As the type of what format_html returns, SafeString is welcome.
    for call, name in tree.calls(module):
        if name.rpartition(".")[2] in ("SafeString", "SafeText"):
            yield call.lineno, f"{name}() switches escaping off; use format_html"
    for node in tree.attributes(module):
        if node.attr == "mark_safe":
            yield node.lineno, "mark_safe switches escaping off; use format_html"


def all_fields(module: ast.Module) -> Breaks:
    """A form or serializer names its fields: a column that is added later is not taken from strangers."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
            continue
        named = any(isinstance(target, ast.Name) and target.id == "fields" for target in node.targets)
        if named and node.value.value == "__all__":
            yield node.lineno, 'fields = "__all__" takes every column; name them'


def moves_a_state(module: ast.Module) -> Breaks:
    """A job's state changes by the one UPDATE in services/moves, with its audit event."""
    for call, name in tree.calls(module):
        if name.endswith(".update") and any(keyword.arg == "state" for keyword in call.keywords):
            yield call.lineno, "update(state=…) goes through services/moves"
    for node in ast.walk(module):
        for target in node.targets if isinstance(node, ast.Assign) else []:
            if isinstance(target, ast.Attribute) and target.attr == "state":
                yield target.lineno, f"{tree.dotted(target)} = … goes through services/moves"


def service_signature(module: ast.Module) -> Breaks:
    """What takes `actor` and `now` takes every argument by name; no service knows a web request or form."""
    for node in module.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        by_position = {argument.arg for argument in node.args.posonlyargs + node.args.args}
        named = by_position | {argument.arg for argument in node.args.kwonlyargs}
        # What refuses and does nothing else reads like a sentence: must_be_proved(actor, now=now).
        refuses = node.name.startswith("must_") and by_position == {"actor"}
        if by_position and {"actor", "now"} <= named and not refuses:
            yield node.lineno, f"{node.name}: {', '.join(sorted(by_position))} must be keyword-only"
        for argument in node.args.posonlyargs + node.args.args + node.args.kwonlyargs:
            kind = ast.unparse(argument.annotation) if argument.annotation else argument.arg
            if OF_A_DOOR.search(kind):
                yield node.lineno, f"{node.name}: a service never takes a {kind}"


def patches(module: ast.Module) -> Breaks:
    """Every patch of a test; the sentence is what is patched. Environment and directory are no patches."""
    for call, name in tree.calls(module):
        is_patch = name in PATCHES or name == "patch" or ".patch." in f"{name}." or name.startswith("patch.")
        if is_patch and not _is_http(call):
            yield call.lineno, ast.unparse(call.args[0]) if call.args else name


def _is_http(call: ast.Call) -> bool:
    """`client.patch("/api/…")` is a request, not a patch."""
    first = call.args[0] if call.args else None
    return isinstance(first, ast.JoinedStr) or (
        isinstance(first, ast.Constant)
        and isinstance(first.value, str)
        and first.value.startswith(("/", "http"))
    )


def patches_of_ours(module: ast.Module) -> Breaks:
    """Patches whose target is code of this project, by its dotted name or by an imported one."""
    mine = {name.rpartition(".")[2] for _, name in tree.imported(module) if name.split(".")[0] in OURS}
    for line, target in patches(module):
        first = target.strip("'\"").split(".")[0]
        if first in OURS or first in mine:
            yield line, f"patches {target}, which is our own; use the simulator or pass another argument"
