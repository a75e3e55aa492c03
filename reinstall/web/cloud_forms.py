"""The forms of clouds: field names are those of the JSON; secrets are written and never shown again."""

from typing import Any

from django import forms
from django.http import QueryDict

from reinstall.domain.errors import FieldError
from reinstall.models import Environment, Project
from reinstall.services.links import SERVICES
from reinstall.services.profiles import known_clouds
from reinstall.web.forms import MONO, TEXT, RefusedForm, Text

#: What each kind of credentials consists of: (name, label, is it a secret, may it be left out).
CREDENTIALS = {
    "aksk": (
        ("access_key", "Access key (AK)", False, False),
        ("secret_key", "Secret key (SK)", True, False),
        ("security_token", "Security token", True, True),
    ),
    "password": (
        ("user", "User name", False, False),
        ("password", "Password", True, False),
        ("domain", "Account (domain) name", False, False),
    ),
}
KINDS = (("aksk", "Access key"), ("password", "User and password"))
ENVIRONMENTS = (
    ("production", "Production", "Real servers that matter. Shown as such on every page."),
    ("staging", "Staging", "Real servers, less at stake."),
    ("simulator", "Simulator", "The simulated cloud: http and private addresses are allowed."),
)
#: What the page says of a field that was left empty; REST says what would be right instead.
EMPTY = {
    "profile": "Choose the cloud.",
    "region": "Write the region, as the cloud calls it.",
    "project_id": "Write the ID of the project.",
    "name": "Write a name.",
    "environment": "Say what is at stake.",
}
ENDPOINTS = (*SERVICES, "kps", "vpc")


def _secret(label: str) -> forms.CharField:
    # Without a value in the page: what was typed is typed again after a mistake.
    attrs = {**MONO, "autocomplete": "new-password"}
    return Text(required=False, strip=False, label=label, widget=forms.PasswordInput(attrs))


def _line(label: str, about: str = "", **attrs: Any) -> forms.CharField:
    hint = {"aria-describedby": attrs.pop("hint")} if "hint" in attrs else {}
    widget = forms.TextInput({**TEXT, **attrs, **hint})
    return Text(required=False, strip=False, label=label, help_text=about, widget=widget)


class CredentialsForm(RefusedForm):
    """Credentials, of one kind or the other."""

    def __init__(self, data: QueryDict | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["credentials.kind"] = forms.CharField(required=False, label="Kind")
        for parts in CREDENTIALS.values():
            for name, label, secret, _ in parts:
                self.fields[f"credentials.{name}"] = _secret(label) if secret else _line(label, **MONO)

    def add_refusals(self, errors: tuple[FieldError, ...]) -> None:
        """Fields left empty are named as the page names them."""
        super().add_refusals(tuple(self._in_words(error) for error in errors))

    def _in_words(self, error: FieldError) -> FieldError:
        if error.code != "required" or self.data.get(error.field, "").strip():
            return error
        field = self.fields.get(error.field)
        words = EMPTY.get(error.field) or (f"{field.label} is missing." if field else error.message)
        return FieldError(error.field, words, error.code)

    @property
    def kind(self) -> str:
        """The kind that is chosen, as the page shows it."""
        return str(self.data.get("credentials.kind") or "aksk") if self.is_bound else "aksk"

    def credentials(self) -> dict[str, str]:
        """What was typed for the chosen kind, as the JSON has it."""
        kind = self.data.get("credentials.kind", "")
        typed = {
            name: str(self.data.get(f"credentials.{name}", ""))
            for name, _, _, _ in CREDENTIALS.get(kind, ())
            if self.data.get(f"credentials.{name}") or name != "security_token"
        }
        return {"kind": kind, **typed}

    def credential_groups(self) -> list[tuple[str, list[tuple[forms.BoundField, bool]]]]:
        """(kind, its fields with whether each may be left out)."""
        return [
            (kind, [(self[f"credentials.{name}"], optional) for name, _, _, optional in parts])
            for kind, parts in CREDENTIALS.items()
        ]

    @property
    def kind_field(self) -> forms.BoundField:
        return self["credentials.kind"]


class CloudForm(CredentialsForm):
    """A cloud and a project in it, as `cloud add` takes them."""

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data)
        clouds = [("", "Choose a cloud"), *((cloud.key, cloud.title) for cloud in known_clouds())]
        select = forms.Select({"class": "se"}, choices=clouds)
        first = {
            "profile": forms.CharField(required=False, label="Cloud", widget=select),
            "region": _line(
                "Region", "As the cloud calls it, like eu-de.", list="regions", hint="id_region-hint"
            ),
            "project_id": _line(
                "Project ID", "32 characters, 0-9 and a-f.", **MONO, hint="id_project_id-hint"
            ),
            "name": _line("Name", "As people here call it.", maxlength=60, hint="id_name-hint"),
            "environment": forms.CharField(required=False, label="What is at stake"),
        }
        ends = {f"endpoints.{name}": _line(name.upper(), **MONO, inputmode="url") for name in ENDPOINTS}
        # In the order of the page: the list of mistakes follows it.
        self.fields = {**first, **self.fields, **ends}

    def document(self) -> dict[str, Any]:
        """What was typed, as the JSON has it; what is empty is left out."""
        plain = ("name", "environment", "profile", "region", "project_id")
        said = {name: self.data.get(name, "").strip() for name in plain}
        typed = {name: self.data.get(f"endpoints.{name}", "").strip() for name in ENDPOINTS}
        ends = {name: url for name, url in typed.items() if url}
        return {**said, **({"endpoints": ends} if ends else {}), "credentials": self.credentials()}

    def add_refusals(self, errors: tuple[FieldError, ...]) -> None:
        """`endpoints` as a whole stands beside the first of them."""
        placed = (
            FieldError("endpoints.iam", e.message, e.code) if e.field == "endpoints" else e for e in errors
        )
        super().add_refusals(tuple(placed))

    def endpoint_fields(self) -> list[forms.BoundField]:
        return [self[f"endpoints.{name}"] for name in ENDPOINTS]


class ChangeForm(RefusedForm):
    """Name and environment of a project, with the version the person saw."""

    name = _line("Name", maxlength=60)
    environment = forms.CharField(required=False, label="What is at stake")
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @classmethod
    def of(cls, project: Project) -> "ChangeForm":
        """The form as the project stands."""
        return cls(
            initial={"name": project.name, "environment": project.environment, "version": project.version}
        )

    def changes(self) -> dict[str, str]:
        """What was asked for; call after `is_valid`."""
        return {name: self.cleaned_data.get(name, "") for name in ("name", "environment")}


assert {value for value, _, _ in ENVIRONMENTS} == set(Environment.values)
