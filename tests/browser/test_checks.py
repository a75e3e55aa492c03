"""The form's checks in a real browser: what is wrong is said while one looks, and that it is right again.

Each case has a server and a tab of its own in one portal. An answer of the cloud holds for some seconds: all
cases fail first and are looked at again afterwards, by when the portal asks anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from reinstall.domain.looks import look_of
from reinstall.domain.verdicts import Level
from reinstall.services.glance import GOOD_FOR_S
from simulator.server import RunningSimulator, start_in_thread
from tests.browser.conftest import PASSWORD, watch
from tests.browser.looks import LAPTOP
from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_stack
from tests.reinstall.check_cases import CASES, CheckCase
from tests.reinstall.check_scenes import Scene, furnished

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

#: As the form's radio buttons say it.
ENCRYPTED = {None: "", False: "0", True: "1"}

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


@pytest.fixture(scope="module")
def cloud() -> Iterator[RunningSimulator]:
    """A simulated cloud in this process, so that anything in it can be changed; a server for each case."""
    names = [f"web-{case.id}" for case in CASES]
    scenario = {"servers": {"shop-prod": len(names), "shop-staging": 1}, "names": {"shop-prod": names}}
    running = start_in_thread(speed=30, scenario=scenario)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def scenes(cloud: RunningSimulator) -> dict[str, Scene]:
    """By case; before the portal reads the cloud."""

    def nobody(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("the portal does not run yet")

    return {case.id: furnished(cloud, f"web-{case.id}", "tool", nobody) for case in CASES}


@pytest.fixture(scope="module")
def portal(
    cloud: RunningSimulator, scenes: dict[str, Scene], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    data_dir = tmp_path_factory.mktemp("checks")
    address = cloud.base_url
    with running_stack("embedded", data_dir, {}, port=free_port(), simulator_url=address) as running:
        running.add_person(f"User.objects.create_superuser('alice', password='{PASSWORD}')")

        def rest(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = running.ask(method, path, json=body, headers={"Idempotency-Key": f"{path:->12}"})
            assert answer.status_code < 300, answer.text
            found: dict[str, Any] = answer.json()
            return found

        for scene in scenes.values():
            scene.rest = rest
        yield running


@dataclass
class Tab:
    """The form of a case, loaded once while nothing was wrong."""

    case: CheckCase
    scene: Scene
    page: Page
    wrong: list[str]
    typed: int = 0
    was_broken: bool = False
    chosen: dict[str, Any] = field(default_factory=dict)

    def choose(self, spec: dict[str, Any]) -> None:
        """Fills in what a request says, as a person would."""
        for name, value in self.scene.asked(spec).items():
            if self.chosen.get(name) != value:
                _fill(self.page, name, value)
        self.chosen = self.scene.asked(spec)

    def says(self, sentence: str, level: Level) -> None:
        """Types on until the checks say so: answers of the cloud of a moment ago hold."""
        said, panel = self._said(self.scene.filled(sentence), level)
        for _ in range(int(GOOD_FOR_S) + 7):
            self.typed += 1
            self.page.get_by_label("Reason").fill(f"OPS-{self.typed}")
            try:
                expect(panel).to_contain_text(said, timeout=1200)
                return
            except AssertionError:
                continue
        expect(panel).to_contain_text(said)

    def _said(self, sentence: str, level: Level) -> tuple[str, Any]:
        word = look_of("check", level).word
        if self.case.check == "user_data":
            return f"{word.capitalize()}: {sentence}", self.page.locator("#script-warnings")
        return f"{sentence}, {word}", self.page.locator("#checks")

    def break_once(self) -> None:
        """Spoils, sees it said, and puts it right again."""
        if self.was_broken:
            return
        self.was_broken = True
        undo = self.case.spoiled(self.scene)
        try:
            self.choose(self.case.wrong)
            self.says(self.case.fails, self.case.level)
        finally:
            undo()
        self.choose(self.case.right)


def _fill(page: Page, name: str, value: Any) -> None:
    """One field; what is hidden while it says nothing is left alone."""
    if name == "user_data":
        page.get_by_text("Write", exact=True).click()
        page.get_by_label("First-boot script").fill(value)
    elif name == "encrypted":
        page.locator(f"[name=encrypted][value='{ENCRYPTED[value]}']").check()
    elif name == "mode":
        page.locator(f"[name=mode][value='{value}']").check()
    elif name == "userid":
        page.get_by_label("User ID the key pair belongs to").fill(value)
    elif value:
        page.locator(f"select[name={name}]").select_option(value)


@pytest.fixture(scope="module")
def tabs(
    portal: Stack, scenes: dict[str, Scene], browser: Browser, signed_in: Path, request: pytest.FixtureRequest
) -> Iterator[dict[str, Tab]]:
    """The forms of the cases that are to run, each filled in right."""
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, viewport=LAPTOP)
    mine = [item for item in request.session.items if item.path == request.path]
    asked = {item.callspec.params["case"].id for item in mine if hasattr(item, "callspec")}
    opened = {}
    for case in CASES:
        if case.id in asked:
            page = context.new_page()
            tab = opened[case.id] = Tab(case, scenes[case.id], page, watch(page))
            page.goto(f"/servers/{tab.scene.server_id}/reinstall/")
            tab.choose(case.right)
    yield opened
    context.close()


@each_case
def test_the_form_says_what_is_wrong(case: CheckCase, tabs: dict[str, Tab]) -> None:
    tabs[case.id].break_once()


@each_case
def test_the_form_says_that_it_is_right_again(case: CheckCase, tabs: dict[str, Tab]) -> None:
    tab = tabs[case.id]
    tab.break_once()
    tab.says(case.on_form or case.passes, Level.PASSED)
    expect(tab.page.locator("main")).not_to_contain_text(tab.scene.filled(case.fails))
    assert tab.wrong == []
