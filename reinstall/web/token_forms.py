"""The form of a new API token."""

from django import forms

from reinstall.web.forms import TEXT


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        required=False, label="Name", help_text="The tool that uses it.", widget=forms.TextInput(TEXT)
    )
    scopes = forms.MultipleChoiceField(
        required=False,
        choices=[("read", "Read"), ("request", "Ask for reinstalls")],
        widget=forms.CheckboxSelectMultiple({"class": "ck"}),
        error_messages={"invalid_choice": "Scopes are read and request."},
    )
    projects = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple({"class": "ck"}),
        error_messages={"invalid_choice": "Choose among your projects."},
    )
    networks = forms.CharField(
        required=False,
        label="From addresses",
        help_text="Networks like 10.1.0.0/16 or 2001:db8::/48, with spaces between; empty: from everywhere.",
        widget=forms.TextInput(TEXT),
    )
    days = forms.IntegerField(
        label="Days it lives",
        initial=90,
        widget=forms.NumberInput({"class": "in", "min": 1, "max": 90}),
        error_messages={"required": "A token lives 1 to 90 days.", "invalid": "A token lives 1 to 90 days."},
    )

    def offer_projects(self, choices: list[tuple[str, str]]) -> None:
        """The projects the person may see."""
        field = self.fields["projects"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices
