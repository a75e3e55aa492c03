"""Cloud Trace Service: who did what to which server in the last seven days."""

from __future__ import annotations

import json
from typing import Any

from simulator.calls import Call
from simulator.catalog import DOMAIN
from simulator.messages import Response, answer, ecs_refusal
from simulator.paging import after_marker, number
from simulator.records import Trace
from simulator.traces import KEPT_S

FAR = 10**14  # milliseconds


def _body(call: Call, trace: Trace) -> dict[str, Any]:
    user = call.world.users.get(trace.user_id)
    domain = {"id": call.world.domain_id, "name": DOMAIN}
    who = {"id": trace.user_id, "name": user.name if user else "", "domain": domain}
    return {
        "trace_id": trace.id,
        "trace_name": trace.name,
        "trace_type": "ApiCall" if trace.request else "SystemAction",
        "trace_rating": trace.rating,
        "service_type": "ECS",
        "resource_type": "ecs",
        "resource_id": trace.server_id,
        "resource_name": trace.server_name,
        "tracker_name": "system",
        "source_ip": trace.source_ip,
        "user": json.dumps(who),
        "request": trace.request,
        "response": trace.response,
        "code": trace.code,
        "api_version": "1.0",
        "request_id": trace.request_id,
        "time": int(trace.at * 1000),
        "record_time": int(trace.record_at * 1000),
        "project_id": trace.project_id,
        "domain_id": call.world.domain_id,
    }


FILTERS = ("trace_name", "service_type", "resource_id", "resource_name", "resource_type", "trace_id")


def list_traces(call: Call) -> Response:
    """`GET /v3/{project_id}/traces`: newest first; `from` and `to` in milliseconds, limit up to 200."""
    query, now = call.request.query, call.clock.now()
    scenario = call.world.scenario
    if scenario.cts == "refused":
        raise ecs_refusal("Pdp.0001", "Policy doesn't allow cts:trace:list to be performed.")
    limit = number(query, "limit", 10, 200)
    start, end = number(query, "from", 0, FAR), number(query, "to", FAR, FAR)
    shown = [
        t
        for t in sorted(call.world.traces, key=lambda t: t.at, reverse=True)
        if t.project_id == call.project_id and t.record_at <= now <= t.at + KEPT_S
    ]
    rows = [_body(call, t) for t in after_marker(shown, query.get("next"))]
    wanted = {name: query[name] for name in FILTERS if name in query}
    rows = [r for r in rows if start <= r["time"] <= end and all(r[k] == v for k, v in wanted.items())]
    page = rows[:limit]
    marker = page[-1]["trace_id"] if page else ""
    if scenario.cts_duplicates:
        page = [row for row in page for _ in range(2)]
    return answer({"traces": page, "meta_data": {"count": len(page), "marker": marker}})
