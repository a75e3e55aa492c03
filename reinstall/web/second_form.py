"""The form on which a second person confirms or rejects what the first one proposed."""

from django import forms
from django.http import QueryDict

from reinstall.domain.secondperson import Decision
from reinstall.web.forms import RefusedForm
from reinstall.web.settle_form import SAY_HOW

CHOOSE = "Choose what you found."


class SecondForm(RefusedForm):
    """A decision, its reason, and the proposal it is about. A withdrawal needs no reason."""

    #: (decision, what a person says with it, what follows).
    answers = (
        (
            Decision.CONFIRM.value,
            "I looked too: it never started",
            "Closes this job and frees the server. Nothing is sent again by that.",
        ),
        (
            Decision.REJECT.value,
            "I do not agree",
            "The job stays open and the server locked, until somebody settles it another way.",
        ),
    )

    proposal_id = forms.IntegerField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        choices=[(one.value, one.value) for one in Decision],
        label="What did you find?",
        error_messages={"required": CHOOSE, "invalid_choice": CHOOSE},
    )
    reason = forms.CharField(
        required=False,
        label="How do you know?",
        help_text="What you looked at yourself, and where. Kept in the audit log with your name.",
        widget=forms.TextInput(
            {"class": "in", "aria-describedby": "second_reason-hint", "maxlength": 500, "autocomplete": "off"}
        ),
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        # The ids of the settle form, on the same page, are others.
        super().__init__(data, auto_id="second_%s")

    def clean(self) -> dict[str, object]:
        """Whoever confirms or rejects has looked as well, and says where."""
        cleaned: dict[str, object] = super().clean() or {}
        needs = cleaned.get("decision") in (Decision.CONFIRM, Decision.REJECT)
        if needs and not str(cleaned.get("reason") or "").strip():
            self.add_error("reason", SAY_HOW)
        return cleaned
