"""The installation as a whole, as REST shows it, with its examples."""

from typing import Any

from rest_framework import serializers

from reinstall.api.bodies import Body, Flag, Text
from reinstall.domain.states import JobState, Verdict


class HoldShape(serializers.Serializer[Any]):
    """Why nothing new is sent, since when, and who said so."""

    reason = serializers.CharField()
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()


class BlamedJobShape(serializers.Serializer[Any]):
    """A job whose call got no clear answer, or an error, before the breaker opened."""

    id = serializers.IntegerField()
    server = serializers.CharField(source="server_name")
    state = serializers.ChoiceField(choices=[state.value for state in JobState])
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])


class BreakerShape(serializers.Serializer[Any]):
    """An open breaker: nothing new is sent to this cloud until a person has looked."""

    cloud = serializers.IntegerField(source="cloud_id", help_text="Its number, for closing the breaker.")
    name = serializers.CharField(source="cloud")
    reason = serializers.CharField()
    set_at = serializers.DateTimeField()
    jobs = BlamedJobShape(many=True, help_text="Look at these first; 20 at most, of your projects.")


class EngineShape(serializers.Serializer[Any]):
    """Whether work gets done."""

    ticked_at = serializers.DateTimeField(
        allow_null=True, help_text="When a worker last looked for work that is due."
    )
    oldest_due_s = serializers.IntegerField(help_text="How long the oldest due job waits for a worker.")
    oldest_event_s = serializers.IntegerField(help_text="How long the oldest event waits for delivery.")
    held_jobs = serializers.IntegerField(help_text="Jobs of your projects that wait for a freeze or breaker.")


class SystemShape(serializers.Serializer[Any]):
    """The installation: what holds reinstalls, and whether work gets done."""

    freeze = HoldShape(allow_null=True)
    read_only = HoldShape(  # type: ignore[assignment]
        allow_null=True, help_text="The database is not trusted: manage.py after_restore."
    )
    breakers = BreakerShape(many=True)
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Clocks that differ.")
    engine = EngineShape()
    problems = serializers.ListField(child=serializers.CharField(), help_text="What makes /ready red.")


class FreezeBody(Body):
    """Stops all new reinstalls, or lets them go on."""

    on = Flag()
    reason = Text()


class CloseBreakerBody(Body):
    """Lets a cloud's jobs go on."""

    reason = Text(help_text="What you looked at.")


SYSTEM: dict[str, Any] = {
    "SystemShape": {
        "freeze": {"reason": "storage incident", "set_by": "bob", "set_at": "2026-01-02T14:10:00Z"},
        "read_only": None,
        "breakers": [
            {
                "cloud": 1,
                "name": "otc eu-de",
                "reason": "otc eu-de: 3 answers in 10 minutes did not say whether the request was taken. "
                "Look at these jobs first, then close the breaker.",
                "set_at": "2026-01-02T14:08:31Z",
                "jobs": [{"id": 2210, "server": "web-prod-11", "state": "uncertain", "verdict": "unknown"}],
            }
        ],
        "warnings": [],
        "engine": {
            "ticked_at": "2026-01-02T14:12:04Z",
            "oldest_due_s": 0,
            "oldest_event_s": 0,
            "held_jobs": 4,
        },
        "problems": [],
    },
    "FreezeBody": {"on": True, "reason": "storage incident"},
    "CloseBreakerBody": {"reason": "looked at #2210: it runs"},
}
