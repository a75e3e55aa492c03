"""Too many orders from a browser: the form comes back as it was typed and says when to go on."""

from typing import Any

import pytest
from django.test import Client

from reinstall.domain.throttles import DEFAULTS, Kind, Limit
from reinstall.models import Job, Project
from simulator.server import RunningSimulator
from tests.reinstall.conftest import free_servers
from tests.reinstall.web.conftest import filled_in, form_address

pytestmark = pytest.mark.django_db


def test_one_order_too_many_comes_back_with_a_sentence(
    browser: Client, project: Project, simulator: RunningSimulator, settings: Any
) -> None:
    settings.THROTTLES = {**DEFAULTS, Kind.ORDER: Limit(1, 86_400)}
    first, second, *_ = free_servers(project)
    assert browser.post(form_address(first), filled_in(browser, first)).status_code == 303
    data = filled_in(browser, second)
    answer = browser.post(form_address(second), data)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Orders of one person are limited to 1 a day. Yours was not sent. Go on in " in html
    assert data["reason"] in html
    assert Job.objects.count() == 1 and not simulator.accepted()
    # The same form goes through once the window is another.
    settings.THROTTLES = DEFAULTS
    assert browser.post(form_address(second), data).status_code == 303
