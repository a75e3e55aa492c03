"""Writes clients/python/ecsportal_client.py from the OpenAPI document: `make client`.

Shapes become TypedDicts and operations methods; what they stand on (sending, waiting, the command line) is in
scripts/client_parts as it is. Nothing of the product is looked at but the document.
"""

import json
import keyword
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PARTS = ROOT / "scripts" / "client_parts"
CLIENT = ROOT / "clients" / "python" / "ecsportal_client.py"
#: Pages are fetched one after the other, and a file is not for programs that have the rows.
_LEFT_OUT = frozenset({"cursor", "format", "If-None-Match"})
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_ORDER_KEY = "Idempotency-Key"


def client_text(document: dict[str, Any]) -> str:
    """The whole file, formatted."""
    schemas = document["components"]["schemas"]
    transport = _part("transport").replace("@VERSION@", document["info"]["version"])
    shapes = [_typed_dict(name, schemas[name]) for name in sorted(schemas) if _is_told(name)]
    client = ["class Client(Transport):", '    """One method for each operation of the interface."""', ""]
    for path, method, operation in _operations(document):
        client.extend(_method(path, method, operation))
    text = "\n\n".join([transport, *shapes, "\n".join(client), _part("waiting"), _part("program")])
    return _formatted(text)


def _part(name: str) -> str:
    return (PARTS / f"{name}.txt").read_text(encoding="utf-8")


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", str(CLIENT), "-"]
    return subprocess.run(command, input=text, text=True, capture_output=True, check=True, cwd=ROOT).stdout


def _is_told(schema: str) -> bool:
    """Pages are iterated over, and problems are raised."""
    return not schema.endswith("PageShape") and schema not in ("ProblemShape", "_ErrorShape")


def _name(schema: str) -> str:
    """JobShape is a Job, PatchedProjectChangeBodyRequest a ProjectChangeBody."""
    return schema.removeprefix("Patched").removesuffix("Request").removesuffix("Shape")


def _type(schema: dict[str, Any]) -> str:
    """A schema as an annotation."""
    if "$ref" in schema:
        return _name(schema["$ref"].rpartition("/")[2])
    if "allOf" in schema:
        (inner,) = schema["allOf"]
        return _type(inner)
    if "oneOf" in schema:
        return _union(_type(inner) for inner in schema["oneOf"])
    if "enum" in schema:
        return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"
    kinds = schema.get("type", [])
    return _union(_of_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)) or "Any"


def _of_kind(kind: str, schema: dict[str, Any]) -> str:
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {_type(inner) if isinstance(inner, dict) else 'Any'}]"
    return _PLAIN[kind]


def _union(types: Iterator[str]) -> str:
    found = list(dict.fromkeys(types))
    return "Any" if "Any" in found else " | ".join(found)


def _typed_dict(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    lines = [f"class {_name(name)}(TypedDict):", f"    {_docstring(_said(schema) or _name(name))}", ""]
    for field, of in schema.get("properties", {}).items():
        if not field.isidentifier() or keyword.iskeyword(field):
            raise ValueError(f"{name}.{field} cannot be a field of a class")
        lines += [f"    #: {line}" for line in _wrapped(_said(of))]
        lines.append(f"    {field}: {_type(of) if field in required else f'NotRequired[{_type(of)}]'}")
    return "\n".join(lines)


def _said(schema: dict[str, Any]) -> str:
    """Its description, without the list of choices that stands in the type."""
    return re.sub(r"\n*\* `.*", "", schema.get("description", ""), flags=re.DOTALL).strip()


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > 98:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def _docstring(text: str) -> str:
    return '"""' + "\n    ".join(_wrapped(text.replace("\\", "\\\\"))) + '"""'


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _method(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    """One operation as a method."""
    given = [item for item in operation.get("parameters", ()) if item["name"] not in _LEFT_OUT]
    inside = re.findall(r"{(\w+)}", path)
    types = {item["name"]: _type(item["schema"]) for item in given}
    body = _body_of(operation)
    named = [item for item in given if item["in"] != "path"]
    keywords = [f"{_argument(item)}: {types[item['name']]} | None = None" for item in named]
    arguments = ["self", *(f"{name}: {types[name]}" for name in inside), *([f"body: {body}"] if body else [])]
    arguments += ["*", *keywords] if keywords else []
    result, answer = _answer_of(operation)
    yield f"    def {operation['operationId']}({', '.join(arguments)}) -> {result}:"
    about = _docstring(f"{operation['summary']}. `{method} {path}`")
    yield "        " + about.replace("\n    ", "\n        ")
    where = f"_path({path!r}, {', '.join(f'{name}={name}' for name in inside)})" if inside else repr(path)
    query = ", ".join(f"{item['name']!r}: {_argument(item)}" for item in given if item["in"] == "query")
    if answer == "pages":
        yield f"        return self._pages({where}, {{{query}}})\n"
    elif answer == "events":
        yield f"        return self._events({where})\n"
    else:
        more = [f"query={{{query}}}"] if query else []
        more += ["body=body"] if body else []
        headers = ", ".join(f"{item['name']!r}: {_header(item)}" for item in given if item["in"] == "header")
        more += [f"headers={{{headers}}}"] if headers else []
        call = f"self._json({', '.join([repr(method), where, *more])})"
        kept = f"answer: {result} = {call}\n        return answer"
        yield f"        {call if result == 'None' else kept}\n"


def _argument(parameter: dict[str, Any]) -> str:
    name: str = parameter["name"].lower().replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _header(parameter: dict[str, Any]) -> str:
    """Its value; a key is made where none is given, once for all repetitions of the call."""
    name = _argument(parameter)
    return f"{name} or str(uuid.uuid4())" if parameter["name"] == _ORDER_KEY else name


def _body_of(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    return _type(content["application/json"]["schema"]) if content else ""


def _answer_of(operation: dict[str, Any]) -> tuple[str, str]:
    """What the method returns, and which way its answer comes: pages, events, json."""
    types: list[str] = []
    for status, response in sorted(operation["responses"].items()):
        for media, content in response.get("content", {}).items():
            if media == "text/event-stream":
                return "Iterator[Event]", "events"
            if status < "300" and media == "application/json":
                types.append(_type(content["schema"]))
    if "text/csv" in operation["responses"].get("200", {}).get("content", {}):
        return f"Iterator[{types[0].removesuffix('Page')}]", "pages"
    return _union(iter(types)) or "None", "json"


def document_of_the_portal() -> dict[str, Any]:
    """The document as the portal gives it."""
    command = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json", "--fail-on-warn"]
    # What goes wrong is told on standard error.
    written = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
    document: dict[str, Any] = json.loads(written)
    return document


if __name__ == "__main__":
    CLIENT.write_text(client_text(document_of_the_portal()), encoding="utf-8")
    print(f"{CLIENT.relative_to(ROOT)}: {len(CLIENT.read_text().splitlines()):,} lines")
