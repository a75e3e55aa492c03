"""Reads request bodies: exact types, no unknown fields, every mistake named at once."""

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.core.validators import ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from reinstall.api.problems import TooLarge
from reinstall.domain.errors import FieldError, RuleBroken

#: An order for 10,000 servers with 32 KB of script, and air.
MAX_BYTES = 1024 * 1024


class JsonBody(BaseParser):
    """JSON in UTF-8 of at most 1 MB; no name twice in one object, since either value could be meant."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            raw = stream.read(MAX_BYTES + 1)
        except RequestDataTooBig:
            raw = b" " * (MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise TooLarge(f"The body is larger than {MAX_BYTES:,} bytes.")
        try:
            return json.loads(raw.decode(), object_pairs_hook=_no_doubles, parse_constant=_no_constant)
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except RecursionError:
            raise ParseError("The body is nested too deep.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from None


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    doubled = (
        sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    )
    if doubled:
        raise ValueError(f"the name {doubled[0]} comes twice in one object")
    return dict(pairs)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


class Text(serializers.CharField):
    """A text, taken exactly as sent; numbers are not turned into texts."""

    default_error_messages = {"invalid": "is a text"}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True} | options)
        # Its sentence is no predicate; the one below says the same.
        self.validators = [v for v in self.validators if not isinstance(v, ProhibitNullCharactersValidator)]

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            data.encode()
        except UnicodeEncodeError:
            raise serializers.ValidationError("holds half a character (a lone surrogate)", "format") from None
        if "\0" in data:
            raise serializers.ValidationError("holds a NUL character", "nul_byte")
        return data


class Flag(serializers.BooleanField):
    """true or false; "yes" and 1 are neither."""

    default_error_messages = {"invalid": "is true or false"}

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Number(serializers.IntegerField):
    """A whole number; "5" and 5.0 are none."""

    default_error_messages = {"invalid": "is a whole number"}

    def to_internal_value(self, data: object) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Moment(serializers.DateTimeField):
    """A time with its offset from UTC."""

    default_error_messages = {"invalid": "is a time like 2026-01-02T03:04:05Z"}

    def enforce_timezone(self, value: Any) -> Any:
        if value.tzinfo is None:
            self.fail("invalid", format="")
        return value


class NotOffered(serializers.JSONField):
    """A field the interface reserves: null, or left out."""

    def to_internal_value(self, data: object) -> Any:
        raise serializers.ValidationError("is not offered yet; leave it out", "not_offered")


class Texts(serializers.ListField):
    """A list of texts."""

    child = Text()
    default_error_messages = {"not_a_list": "is a list of texts"}


class Body(serializers.Serializer[Any]):
    """A JSON object with the declared fields and no other."""

    default_error_messages = {"invalid": "is an object"}

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            known_wrong = error.detail if isinstance(error.detail, dict) else {}
            raise serializers.ValidationError({**known_wrong, **unknown}) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return value

    def _unknown(self, data: Mapping[Any, Any]) -> dict[str, list[ErrorDetail]]:
        why = f"is not a field here; known are {', '.join(self.fields)}"
        return {str(name): [ErrorDetail(why, "unknown")] for name in data if name not in self.fields}


def read_body(kind: type[Body], request: Request) -> dict[str, Any]:
    """The body as `kind` declares it. Raises RuleBroken naming every field that is wrong."""
    body = kind(data=request.data)
    if not isinstance(request.data, Mapping):
        raise RuleBroken("The body is a JSON object.", "", "format")
    if body.is_valid():
        return dict(body.validated_data)
    raise RuleBroken.of(list(_field_errors(body.errors)))


def read_no_body(request: Request) -> None:
    """For what takes no body: none, or an empty object. Raises RuleBroken naming every field there is."""
    read_body(Body, request)


_PREDICATES = {"required": "is missing", "null": "is not null", "blank": "is not empty"}


def _field_errors(errors: Any, path: str = "") -> Iterator[FieldError]:
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            # Fields of a spec have the names of the form's fields, wherever in the body they stand.
            whole = path in ("", "spec") or name == "non_field_errors"
            outer = "" if name == "non_field_errors" or whole else f"{path}."
            yield from _field_errors(inner, path if name == "non_field_errors" else f"{outer}{name}")
        return
    for error in [errors] if isinstance(errors, str) else errors:
        if isinstance(error, Mapping | list):
            yield from _field_errors(error, path)
        else:
            code = getattr(error, "code", "invalid")
            yield FieldError(path, f"{path} {_PREDICATES.get(code, str(error))}.", code)
