"""The least a list of servers can cost over HTTP: one SQL statement and json, no sign-in, no framework.

An ASGI application; FLOOR_DATABASE names the SQLite file. The statement reads the columns of the REST list.
"""

import json
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

SQL = """
WITH page AS (SELECT * FROM reinstall_server WHERE gone_at IS NULL ORDER BY name, id LIMIT 51)
SELECT s.id, s.name, p.slug, p.environment, p.synced_at, s.status, s.task_state, s.image_name, s.flavor,
       s.addresses, s.tags, s.temporary, s.locked, s.seen_at, s.gone_at, j.id, j.state, j.state_since,
       (SELECT sum(d.boot_index <> 0) FROM reinstall_disk d WHERE d.server_id = s.id),
       (SELECT d.size_gb FROM reinstall_disk d WHERE d.server_id = s.id AND d.boot_index = 0)
FROM page s JOIN reinstall_project p ON p.id = s.project_id
LEFT JOIN reinstall_job j ON j.id = (SELECT k.id FROM reinstall_job k WHERE k.server_id = s.id
                                     ORDER BY k.created_at DESC, k.id DESC LIMIT 1)
ORDER BY s.name, s.id
"""
DATABASE = os.environ.get("FLOOR_DATABASE", ":memory:")

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def application(scope: dict[str, Any], receive: object, send: Send) -> None:
    """Answers every request with the first page of servers."""
    if scope["type"] != "http":
        return
    # A connection for each request, as the portal has it on SQLite.
    with closing(sqlite3.connect(DATABASE)) as connection:
        rows = connection.execute(SQL).fetchall()
    body = json.dumps({"results": rows}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
