"""The house rules, held on every file of the product. Each rule is shown to catch its break."""

import ast
from collections.abc import Iterable

import pytest

from tests.house import rules, tree
from tests.house.rules import Rule

BELOW_DOORS = ("reinstall/services", "reinstall/selectors", "reinstall/models", "reinstall/domain")
BELL = ("reinstall/apps.py", "reinstall/services/wake.py")
CODE = ("ecsportal", "reinstall")

#: rule -> where it holds, and the files (or folders) it does not hold in.
WHERE: dict[Rule, tuple[tuple[str, ...], tuple[str, ...]]] = {
    rules.reads_the_clock: (BELOW_DOORS, ()),
    rules.queries: (("reinstall/web", "reinstall/api", "reinstall/tasks.py"), ()),
    rules.saves: (
        (
            "reinstall/web",
            "reinstall/api",
            "reinstall/tasks.py",
            "reinstall/selectors",
            "reinstall/templatetags",
        ),
        (),
    ),
    rules.signals: (CODE, BELL),
    rules.later_or_again: (CODE, ()),
    rules.queues: (CODE, (*BELL, "reinstall/tasks.py", "ecsportal/celery.py")),
    rules.trusts_markup: (("ecsportal", "reinstall", "simulator"), ()),
    rules.all_fields: (CODE, ()),
    rules.moves_a_state: (("reinstall",), ("reinstall/services/moves.py",)),
    rules.service_signature: (("reinstall/services",), ("reinstall/services/moves.py",)),
}

BREAKS: list[tuple[Rule, str]] = [
    (rules.reads_the_clock, "when = datetime.now(tz=UTC)"),
    (rules.reads_the_clock, "when = datetime.datetime.utcnow()"),
    (rules.reads_the_clock, "when = timezone.now()"),
    (rules.reads_the_clock, "from django.utils.timezone import now"),
    (rules.reads_the_clock, "day = date.today()"),
    (rules.queries, "jobs = Job.objects.filter(id=1)"),
    (rules.saves, "form.save()"),
    (rules.saves, "self.get_serializer(data).save()"),
    (rules.signals, "from django.db.models.signals import post_save"),
    (rules.signals, "from django.dispatch import receiver"),
    (rules.later_or_again, "advance.apply_async(args=[1], countdown=5)"),
    (rules.later_or_again, "advance.apply_async(eta=when)"),
    (rules.later_or_again, "task = app.task(autoretry_for=(OSError,))"),
    (rules.later_or_again, "self.retry()"),
    (rules.queues, "advance_job.delay(job_id=1)"),
    (rules.trusts_markup, "from django.utils.safestring import mark_safe"),
    (rules.trusts_markup, "x = safestring.mark_safe('<b>')"),
    (rules.trusts_markup, "x = SafeString('<b>')"),
    (rules.all_fields, "fields = '__all__'"),
    (rules.moves_a_state, "Job.objects.filter(id=1).update(state='failed')"),
    (rules.moves_a_state, "job.state = 'failed'"),
    (rules.service_signature, "def place(actor, *, now): ..."),
    (rules.service_signature, "def place(order, *, actor, now): ..."),
    (rules.service_signature, "def must_place(actor, order, *, now): ..."),
    (rules.service_signature, "def place(*, request: HttpRequest): ..."),
    (rules.service_signature, "def place(*, form): ..."),
]

HARMLESS: list[tuple[Rule, str]] = [
    (rules.reads_the_clock, "begun = time.monotonic()"),
    (rules.queries, "rows = selectors.jobs_of(project)"),
    (rules.saves, "answer = services.save_preset(actor=actor)"),
    (rules.signals, "from celery.signals import setup_logging"),
    (rules.later_or_again, "requests.get(url, timeout=5)"),
    (rules.queues, "wake.ring(job_id=1)"),
    (rules.trusts_markup, "from django.utils.html import format_html"),
    (rules.trusts_markup, "from django.utils.safestring import SafeString"),
    (rules.all_fields, "fields = ('name',)"),
    (rules.moves_a_state, "row.update(seen_at=now)"),
    (rules.service_signature, "def _inner(request): ..."),
    (rules.service_signature, "def place(*, request: OrderRequest, actor: Actor, now: datetime): ..."),
    (rules.service_signature, "def project_for_reading(actor, slug): ..."),
    (rules.service_signature, "def must_be_proved(actor, *, now): ..."),
]


def broken(rule: Rule, tops: Iterable[str], but: Iterable[str]) -> list[str]:
    """What breaks `rule` under `tops`, as `file:line sentence`."""
    return [
        f"{tree.short(path)}:{line} {sentence}"
        for path in tree.python(*tops)
        if tree.short(path) not in but
        for line, sentence in rule(tree.parsed(path))
    ]


def ids(value: object) -> str:
    return value.__name__ if callable(value) and hasattr(value, "__name__") else ""


@pytest.mark.parametrize("rule", WHERE, ids=ids)
def test_the_code_keeps_the_rule(rule: Rule):
    tops, but = WHERE[rule]
    assert tree.python(*tops), "the rule looks at no file"
    assert not (found := broken(rule, tops, but)), "\n".join(found)


@pytest.mark.parametrize(("rule", "source"), BREAKS, ids=ids)
def test_the_rule_catches_its_break(rule: Rule, source: str):
    assert [line for line, _ in rule(ast.parse(f"\n{source}\n"))] == [2]


@pytest.mark.parametrize(("rule", "source"), HARMLESS, ids=ids)
def test_the_rule_leaves_the_rest_alone(rule: Rule, source: str):
    assert list(rule(ast.parse(source))) == []


def test_every_rule_is_shown_to_catch_something():
    assert {rule for rule, _ in BREAKS} == set(WHERE) == {rule for rule, _ in HARMLESS}
