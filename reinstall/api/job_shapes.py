"""REST: how a job is written down."""

from typing import Any

from rest_framework import serializers

from reinstall.api.spec_bodies import SettingsShape
from reinstall.domain.afterwards import Became
from reinstall.domain.lateness import Lateness
from reinstall.domain.states import JobState, Verdict
from reinstall.selectors.job_steps import StepState

_STATES = [state.value for state in JobState]
_STEP_STATES = [state.value for state in StepState]


class ServerBriefShape(serializers.Serializer[Any]):
    """A server, in short."""

    id = serializers.UUIDField(source="server_id")
    name = serializers.CharField(source="server_name")


class JobRowShape(serializers.Serializer[Any]):
    """A job as lists show it."""

    id = serializers.IntegerField()
    order = serializers.IntegerField(source="order_id")
    project = serializers.CharField(source="project_slug")
    environment = serializers.CharField()
    server = ServerBriefShape(source="*")
    state = serializers.ChoiceField(choices=_STATES)
    state_since = serializers.DateTimeField()
    step = serializers.CharField(help_text="The current step, or the cause of a bad end, as a sentence.")
    requested_by = serializers.CharField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    took_s = serializers.IntegerField(allow_null=True)
    cloud_job_id = serializers.CharField()
    lateness = serializers.ChoiceField(
        choices=[late.value for late in Lateness], help_text="Under way for 15 minutes or 2 hours; a badge."
    )


class SubStepShape(serializers.Serializer[Any]):
    """A sub-job of the cloud."""

    name = serializers.CharField()
    raw_name = serializers.CharField()
    state = serializers.ChoiceField(choices=_STEP_STATES)
    seconds = serializers.IntegerField(allow_null=True)


class StepShape(serializers.Serializer[Any]):
    """A step of a job."""

    key = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=_STEP_STATES)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    subs = SubStepShape(many=True)


class ProgressShape(serializers.Serializer[Any]):
    """Seconds so far, and what earlier runs took; null under five earlier runs."""

    elapsed_s = serializers.IntegerField()
    half_s = serializers.IntegerField(allow_null=True)
    nine_of_ten_s = serializers.IntegerField(allow_null=True)
    left_s = serializers.IntegerField(allow_null=True)
    samples = serializers.IntegerField()
    percent = serializers.IntegerField()


class FailureShape(serializers.Serializer[Any]):
    """Why a job ended badly, and what helps."""

    code = serializers.CharField()
    message = serializers.CharField()
    advice = serializers.CharField()


class JobDiskShape(serializers.Serializer[Any]):
    """A disk before, and what stands in its place after."""

    id = serializers.CharField()
    device = serializers.CharField()
    size_gb = serializers.IntegerField(allow_null=True)
    role = serializers.ChoiceField(choices=("system", "data"))
    fate = serializers.ChoiceField(choices=("wiped", "kept", "missing"))
    id_after = serializers.CharField()
    name = serializers.CharField()


class AttemptShape(serializers.Serializer[Any]):
    """One intent to call the cloud."""

    number = serializers.IntegerField()
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    sent_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    status = serializers.IntegerField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()
    request_id = serializers.CharField()


class AskedForShape(SettingsShape):
    """What the order asked for; the script only as size and SHA-256."""

    login = serializers.ChoiceField(choices=("keypair", "password", "script"))
    version = serializers.ChoiceField(
        choices=("v1", "v2"), help_text="Of the call: v1 for an image without Cloud-Init."
    )
    preset = serializers.CharField(
        source="preset_reference", help_text="The preset it used, as slug@version; empty for none."
    )


class ChangeShape(serializers.Serializer[Any]):
    """One line of the proof: before the request and after the end."""

    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField()
    after = serializers.CharField()
    became = serializers.ChoiceField(choices=[became.value for became in Became])


class AfterShape(serializers.Serializer[Any]):
    """What is to know once it has succeeded."""

    leave_alone_until = serializers.DateTimeField(help_text="Until then the login is still being written.")
    ssh_known_hosts = serializers.ListField(
        child=serializers.CharField(),
        source="known_hosts",
        help_text="What known_hosts files may call the server; its host keys are new: `ssh-keygen -R` each.",
    )
    changes = ChangeShape(many=True)


class JobShape(serializers.Serializer[Any]):
    """A job with everything there is to say."""

    id = serializers.IntegerField()
    order = serializers.IntegerField(source="order_id")
    project = serializers.CharField(source="project_slug")
    environment = serializers.CharField()
    server = ServerBriefShape(source="*")
    state = serializers.ChoiceField(choices=_STATES)
    state_since = serializers.DateTimeField()
    headline = serializers.CharField()
    done = serializers.BooleanField()
    can_cancel = serializers.BooleanField()
    seq = serializers.IntegerField(help_text="Grows by one with each change of the state.")
    cloud_job_id = serializers.CharField()
    cloud_status = serializers.CharField()
    polled_at = serializers.DateTimeField(allow_null=True)
    waiting_for = serializers.CharField()
    lateness = serializers.ChoiceField(
        choices=[late.value for late in Lateness], help_text="Under way for 15 minutes or 2 hours; a badge."
    )
    after = AfterShape(allow_null=True, help_text="null until the job has succeeded.")
    steps = StepShape(many=True)
    progress = ProgressShape(help_text="Measured when asked; not part of the ETag.")
    failure = FailureShape(allow_null=True)
    disks = JobDiskShape(many=True)
    attempts = AttemptShape(many=True)
    asked = AskedForShape()
    reason = serializers.CharField()
    requested_by = serializers.CharField()
    approved_by = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    request_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class ExchangeShape(serializers.Serializer[Any]):
    """One call made for a job, masked; repeated polls are counted on one row."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    times = serializers.IntegerField()
    method = serializers.CharField()
    path = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    outcome = serializers.CharField()
    duration_ms = serializers.IntegerField()
    request_id = serializers.CharField()
    request_body = serializers.CharField()
    response_body = serializers.CharField()
    error = serializers.CharField()


class ExchangeListShape(serializers.Serializer[Any]):
    """All calls made for a job, oldest first."""

    results = ExchangeShape(many=True)
