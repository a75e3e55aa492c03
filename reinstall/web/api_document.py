"""The OpenAPI document as the docs pages show it: resources, their operations, what goes in and comes out."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from reinstall.domain.errors import NotFound

#: What stands in an address of an example, for each part of an address; 1 for any other.
_PLACES: Mapping[str, object] = {
    "order_id": 1842,
    "job_id": 2210,
    "server_id": "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f",
    "slug": "shop-prod",
    "entry_id": 48210,
    "token_id": 7,
    "approval_id": 311,
    "cloud_id": 1,
    "run_id": 311,
    "number": 14,
}
#: A preset's address is its own slug.
_PRESET = "base"
#: Objects in objects are shown so deep; nothing here is deeper.
_DEEPEST = 4
#: A value an example of a call gives to a header.
_HEADERS = {"Idempotency-Key": "6e1c0b7a-3f4e-4c58-9a8e-2f1d5c3b7a90", "If-Match": '"5f2b6c0e9d5d4a0f"'}
#: Left out of an example: a call without them is the usual one.
_SELDOM = frozenset({"If-None-Match", "Prefer"})


@dataclass(frozen=True, slots=True)
class Field:
    """One name that goes in or comes out. kind: its type in words; where: path, query, header or body."""

    name: str
    kind: str
    about: str
    required: bool
    where: str = "body"
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer; example: None where it has no body."""

    status: int
    title: str
    media: str
    example: Any
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address. problems: (status, title) of what can go wrong."""

    name: str
    method: str
    path: str
    summary: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    body_example: Any
    answers: tuple[Answer, ...]
    problems: tuple[tuple[int, str], ...]

    @property
    def short_path(self) -> str:
        """Without what all addresses begin with."""
        return self.path.removeprefix("/api/v1")

    @property
    def filters_by_project(self) -> bool:
        """Whether it is a list that can be narrowed to one project."""
        named = {field.name for field in self.parameters if field.where == "query"}
        return self.method == "GET" and {"project", "limit"} <= named

    @property
    def searches(self) -> bool:
        """Whether the list has a search."""
        return any(field.name == "q" for field in self.parameters)

    def curl(self, base: str) -> str:
        """The call for a shell; the token is a variable, so that it stands in no history."""
        places = {name: _PLACES.get(name, 1) for name in re.findall(r"{(\w+)}", self.path)}
        if self.path.startswith("/api/v1/presets/{slug}"):
            places["slug"] = _PRESET
        address = base + self.path.format(**places)
        method = "" if self.method == "GET" else f"-X {self.method} "
        lines = [f'curl -s {method}-H "Authorization: Bearer $PORTAL_TOKEN"']
        for field in self.parameters:
            if field.where == "header" and field.name not in _SELDOM:
                lines.append("-H " + shlex.quote(f"{field.name}: {_HEADERS[field.name]}"))
        if self.body_example is not None:
            lines.append("-H 'Content-Type: application/json'")
            lines.append(f"-d {shlex.quote(json.dumps(self.body_example, indent=2, ensure_ascii=False))}")
        return " \\\n  ".join([*lines, shlex.quote(address)])


@dataclass(frozen=True, slots=True)
class Resource:
    """All operations whose addresses begin alike."""

    slug: str
    operations: tuple[Operation, ...]

    @property
    def title(self) -> str:
        """As people write it."""
        return self.slug.replace("-", " ").capitalize().replace("Kms", "KMS")


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of refusal: its status, and an example of what it says."""

    status: int
    title: str
    kind: str
    detail: str


@cache
def resources() -> tuple[Resource, ...]:
    """Every resource of the interface, in the order of their names; read once for each process."""
    document = _document()
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            read = _operation(document, path, method.upper(), operation)
            groups.setdefault(operation["tags"][0], []).append(read)
    return tuple(Resource(slug, tuple(found)) for slug, found in sorted(groups.items()))


def resource(slug: str) -> Resource:
    """One of them. Raises NotFound."""
    for found in resources():
        if found.slug == slug:
            return found
    raise NotFound(f"REST has nothing called {slug}.")


@cache
def problems() -> tuple[Problem, ...]:
    """Each status that refuses, once, with an example of it."""
    found: dict[int, Problem] = {}
    for methods in _document()["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                for media in answer.get("content", {}).values() if status >= "400" else ():
                    example = next(iter(media["examples"].values()))["value"]
                    kind = example["type"].rpartition(":")[2]
                    found[int(status)] = Problem(int(status), example["title"], kind, example["detail"])
    return tuple(found[status] for status in sorted(found))


@cache
def _document() -> dict[str, Any]:
    generator = SchemaGenerator(urlconf=None)  # type: ignore[no-untyped-call]
    found: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def _operation(document: Any, path: str, method: str, operation: Any) -> Operation:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = operation["responses"].items()
    return Operation(
        name=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        parameters=tuple(_parameter(item) for item in sorted(operation.get("parameters", ()), key=_order)),
        body=tuple(_fields(document, content.get("schema", {}))),
        body_example=_example(content),
        answers=tuple(
            found
            for status, answer in sorted(answers)
            if status < "400"
            for found in _answers(document, int(status), answer)
        ),
        problems=tuple(
            (int(status), _title(int(status))) for status, _ in sorted(answers) if status >= "400"
        ),
    )


def _order(parameter: Any) -> int:
    return ("path", "query", "header").index(parameter["in"])


def _parameter(item: Any) -> Field:
    schema = item["schema"]
    return Field(
        name=item["name"],
        kind=_kind(schema),
        about=item.get("description", ""),
        required=item.get("required", False),
        where=item["in"],
        choices=tuple(map(str, schema.get("enum", ()))),
    )


def _answers(document: Any, status: int, answer: Any) -> Iterator[Answer]:
    content = answer.get("content", {})
    if not content:
        yield Answer(status, answer["description"] or _title(status), "", None, ())
    for media, inner in content.items():
        fields = tuple(_fields(document, inner.get("schema", {})))
        yield Answer(status, answer["description"] or _title(status), media, _example(inner), fields)


def _example(content: Any) -> Any:
    found = list(content.get("examples", {}).values())
    return found[0]["value"] if found else None


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def _resolved(document: Any, schema: Any) -> Any:
    """The schema itself, behind references and beside null."""
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for several in ("allOf", "oneOf"):
        for inner in schema.get(several, ()):
            if "$ref" in inner:
                return _resolved(document, inner)
    return schema


def _fields(document: Any, schema: Any, prefix: str = "", depth: int = 0) -> Iterator[Field]:
    """The names of an object; inside of an object as `outer.inner`, inside of a list as `outer[].inner`."""
    whole = _resolved(document, schema)
    for name, inner in whole.get("properties", {}).items():
        found = _resolved(document, inner)
        yield Field(
            name=f"{prefix}{name}",
            kind=_kind(inner, found),
            about=_about(inner.get("description", "")),
            required=name in whole.get("required", ()),
            choices=tuple(str(value) for value in found.get("enum", ()) if value not in ("", None)),
        )
        listed = found.get("type") == "array"
        deeper = found.get("items", {}) if listed else found
        if depth < _DEEPEST and "properties" in _resolved(document, deeper):
            yield from _fields(document, deeper, f"{prefix}{name}{'[]' if listed else ''}.", depth + 1)


_KINDS = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
}
_FORMATS = {"date-time": "time", "uuid": "UUID", "uri": "address"}


def _kind(schema: Any, found: Any = None) -> str:
    """A type in words."""
    inner = schema if found is None else found
    types = inner.get("type", "")
    names = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    name = names[0] if names else ""
    kind = "list" if name == "array" else _FORMATS.get(inner.get("format", ""), _KINDS.get(name, "any"))
    empty = (
        "null" in types
        if isinstance(types, list)
        else any(one.get("type") == "null" for one in schema.get("oneOf", ()))
    )
    return f"{kind} or null" if empty else kind


def _about(text: str) -> str:
    """A description without the list of choices, which stands in a place of its own."""
    return re.sub(r"\n*\* `.*", "", text, flags=re.DOTALL).strip()
