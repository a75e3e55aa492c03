"""The call as a line for a shell: what a shell would make of it."""

import json
import shlex

from reinstall.domain.curl import curl_text


def test_a_shell_reads_the_call_as_it_would_be_made() -> None:
    body: dict[str, object] = {"os-reinstall": {"keyname": 'it\'s $(id) `id` "x"', "metadata": {"é": "1"}}}
    text = curl_text("POST", "https://ecs.example.org/", "/v2/p/cloudservers/s/reinstallos", body)
    # shlex knows no continued lines.
    words = shlex.split(text.replace(" \\\n", " "))
    assert words[:4] == ["curl", "-X", "POST", "https://ecs.example.org/v2/p/cloudservers/s/reinstallos"]
    assert words[4:8] == ["-H", "X-Auth-Token: $TOKEN", "-H", "Content-Type: application/json"]
    assert words[8] == "-d" and json.loads(words[9]) == body


def test_an_address_that_is_not_known_is_a_variable() -> None:
    assert '"$ENDPOINT"/v2/a' in curl_text("POST", "", "/v2/a", {})
