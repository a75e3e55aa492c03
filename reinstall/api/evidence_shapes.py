"""REST: how the evidence on an unclear outcome is written down, and a person's answer."""

from typing import Any

from rest_framework import serializers

from reinstall.api.bodies import Body, Text
from reinstall.domain.secondperson import Decision
from reinstall.domain.signs import ANSWERS
from reinstall.domain.states import JobState, Verdict

_ANSWERS = tuple(ANSWERS)


class SentShape(serializers.Serializer[Any]):
    """The call in doubt; its body masked."""

    number = serializers.IntegerField(help_text="Number of the attempt.")
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    intent_at = serializers.DateTimeField()
    signed_at = serializers.DateTimeField(allow_null=True, help_text="null for a call made with a token.")
    may_arrive_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then a request nobody saw answered could still be taken."
    )
    path = serializers.CharField()
    body = serializers.CharField()
    body_sha256 = serializers.CharField(
        help_text="SHA-256 of the body; with a password a digest made with a key of the order."
    )


class AnswerShape(serializers.Serializer[Any]):
    """What came back, redacted; `phase` is how far the call got."""

    phase = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()
    request_id = serializers.CharField()
    body = serializers.CharField()
    error = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)


class FieldChangeShape(serializers.Serializer[Any]):
    """One property of the server before the call and now, as texts."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField()
    now = serializers.CharField()
    changed = serializers.BooleanField()


class EvidenceRowShape(serializers.Serializer[Any]):
    """One thing that was seen. The grade is empty for what proves nothing by itself."""

    kind = serializers.CharField()
    grade = serializers.ChoiceField(choices=("E1", "E1'", "E2", "E3", "E4", "E4'", "E5"), allow_blank=True)
    observed_at = serializers.DateTimeField()
    summary = serializers.CharField()
    data = serializers.DictField(child=serializers.JSONField())  # type: ignore[assignment]


class ProposalShape(serializers.Serializer[Any]):
    """What the evidence points to; everything empty where it points nowhere."""

    answer = serializers.ChoiceField(choices=_ANSWERS, allow_blank=True)
    cloud_job_id = serializers.CharField()
    grade = serializers.CharField()
    sentence = serializers.CharField()


class PendingShape(serializers.Serializer[Any]):
    """An answer that waits for a second person."""

    id = serializers.IntegerField()
    answer = serializers.ChoiceField(choices=("never_ran",))
    reason = serializers.CharField()
    by = serializers.CharField(help_text="Who proposed it.")
    at = serializers.DateTimeField()
    decisions = serializers.ListField(
        child=serializers.ChoiceField(choices=[decision.value for decision in Decision]),
        help_text="What you may do with it: withdraw your own, confirm or reject another's.",
    )
    others = serializers.BooleanField(
        help_text="Whether anybody but the proposer has the right to confirm it."
    )


class EvidenceShape(serializers.Serializer[Any]):
    """All that is known of one job's outcome; `evidence` oldest first."""

    job = serializers.IntegerField(source="job_id")
    server_name = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in JobState])
    state_since = serializers.DateTimeField()
    waiting_for = serializers.CharField()
    sent = SentShape(allow_null=True)
    answer = AnswerShape(allow_null=True)
    compared = FieldChangeShape(many=True)
    compared_at = serializers.DateTimeField(allow_null=True)
    evidence = EvidenceRowShape(many=True, source="rows")
    proposal = ProposalShape()
    answers = serializers.ListField(
        child=serializers.ChoiceField(choices=_ANSWERS),
        help_text="What you may answer about this job now; empty when it is settled, or not yours to settle.",
    )
    next_look_at = serializers.DateTimeField(allow_null=True)
    second_person = serializers.BooleanField(
        help_text="Whether never_ran is a proposal first, which another person has to confirm."
    )
    others = serializers.BooleanField(help_text="Whether anybody but you has the right to confirm that.")
    pending = PendingShape(allow_null=True, help_text="The proposal that waits for a second person.")


class SettleBody(Body):
    """What became of an unclear job."""

    answer = Text(
        help_text="ran_job, ran_unknown or never_ran; for a job in attention also ran_well or ran_badly, the "
        "end as you saw it."
    )
    cloud_job_id = Text(default="", help_text="With ran_job: the cloud's job, which is asked about first.")
    reason = Text(help_text="How you know, in 1 to 500 characters. Kept in the audit log.")


class ProposalBody(Body):
    """A second person's decision about an open proposal."""

    decision = Text(help_text="confirm or reject another person's proposal; withdraw your own.")
    reason = Text(default="", help_text="How you know, in 1 to 500 characters; not needed to withdraw.")
    proposal_id = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="The proposal you read; refused when another one is open now.",
    )
