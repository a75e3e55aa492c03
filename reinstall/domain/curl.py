"""A call as a line for a shell: to read and to compare, with a variable where the token goes."""

import json
import shlex

TOKEN = "$TOKEN"


def curl_text(method: str, endpoint: str, path: str, body: dict[str, object]) -> str:
    """The call as curl would make it. `body` is shown as it is: masked before. No token is in it.

    endpoint: the base address of the service; "" gives the variable $ENDPOINT.
    """
    address = shlex.quote(f"{endpoint.rstrip('/')}{path}") if endpoint else f'"$ENDPOINT"{shlex.quote(path)}'
    lines = (
        f"curl -X {method} {address}",
        f'-H "X-Auth-Token: {TOKEN}"',
        "-H 'Content-Type: application/json'",
        f"-d {shlex.quote(json.dumps(body, indent=2, ensure_ascii=False))}",
    )
    return " \\\n  ".join(lines)
