"""The form on which a person says what became of an unclear job."""

from dataclasses import dataclass

from django import forms

from reinstall.domain.signs import ANSWERS, answers_in_words
from reinstall.selectors.evidence import EvidenceView
from reinstall.web.forms import MONO, RefusedForm

SAY_HOW = "Say how you know: what you looked at, and where."


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer as the form shows it; `pointed` when the signs point to it."""

    value: str
    words: str
    hint: str
    pointed: bool
    chosen: bool


class SettleForm(RefusedForm):
    """One answer, its reason, the cloud's job where the answer names one. Nothing is chosen beforehand."""

    answer = forms.ChoiceField(
        choices=[(value, words) for value, (words, _) in ANSWERS.items()],
        label="What did you find?",
        error_messages={
            "required": "Choose what you found.",
            "invalid_choice": "Choose one of the answers shown.",
        },
    )
    cloud_job_id = forms.CharField(
        required=False,
        label="Cloud job ID",
        help_text="For the first answer only: 8 to 64 letters, digits and hyphens.",
        widget=forms.TextInput(
            {**MONO, "class": "in mono w340", "aria-describedby": "id_cloud_job_id-hint", "maxlength": 100}
        ),
    )
    reason = forms.CharField(
        label="How do you know?",
        help_text="What you looked at, and where. Kept in the audit log with your name.",
        error_messages={"required": SAY_HOW},
        widget=forms.TextInput(
            {"class": "in", "aria-describedby": "id_reason-hint", "maxlength": 500, "autocomplete": "off"}
        ),
    )

    def clean(self) -> dict[str, object]:
        """A job id goes with the answer that names one, and with no other."""
        cleaned: dict[str, object] = super().clean() or {}
        answer, job_id = cleaned.get("answer"), cleaned.get("cloud_job_id")
        if answer == "ran_job" and not job_id:
            self.add_error("cloud_job_id", "Enter the cloud's job ID, or choose the answer without one.")
        elif answer and answer != "ran_job" and job_id:
            self.add_error(
                "cloud_job_id", "A job ID goes with the first answer only. Take it out, or choose that."
            )
        return cleaned

    def choices_for(self, view: EvidenceView) -> tuple[Choice, ...]:
        """The answers this person may give about this job."""
        chosen = self.data.get("answer", "") if self.is_bound else ""
        return tuple(
            Choice(value, words, hint, value == view.proposal.answer, value == chosen)
            for value, words, hint in answers_in_words(view.answers, second_person=view.second_person)
        )
