"""Every request's way: who asks, for what, and who answers."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from axon.dashboard.desk import Body, Desk, File, Reply
from axon.dashboard.page import Page
from axon.dashboard.route import Route, find, read_fields, read_query
from axon.dashboard.routes import EVENTS, ROUTES
from axon.dashboard.web.answer import Answer, Refusal, encode, squeeze, tagged
from axon.dashboard.web.body import read_body
from axon.dashboard.web.guard import SAFE, Guard
from axon.dashboard.web.head import MAX_DIGITS, Head, bad
from axon.dashboard.web.plan import Stream, Work
from axon.security.secrets import Redactor

FIXED = {route.path for route in ROUTES}
EMPTY_STREAM = Answer(kind="text/event-stream; charset=utf-8")


class ApiSite:
    """What the loop serves: the page's files, and the API."""

    def __init__(
        self, guard: Guard, page: Page, redactor: Redactor, pulse: Callable[[], int]
    ) -> None:
        self._guard, self._page, self._redactor = guard, page, redactor
        self.pulse = pulse

    def plan(self, head: Head) -> Answer | Work | Stream:
        self._guard.check_place(head)
        path = head.path
        if path.startswith("/api/") or path in ("/api", "/metrics"):
            return self._api(head)
        if head.method not in SAFE:
            raise _wrong_method(head, "GET, HEAD")
        found = self._page.find(path)
        if found is None:
            raise Refusal(404, "not_found", "this file is of another version; load the page again")
        return found

    def _api(self, head: Head) -> Answer | Work | Stream:
        found = find(ROUTES, head.method, head.path)
        open_route = not isinstance(found, str) and found[0].open
        if open_route:
            self._check_login(head)
        else:
            self._guard.check_person(head)
        if isinstance(found, str):
            if found:
                raise _wrong_method(head, found)
            raise Refusal(404, "not_found", f"there is no {head.path[:100]}; see /api/openapi.json")
        route, path = found
        query = read_query(route.query, head.query)
        if route is EVENTS:
            if head.method == "HEAD":
                raise _wrong_method(head, "GET")
            return _stream(head, query)
        if head.length > (route.most_bytes if route.method != "GET" else 0):
            if route.method == "GET":
                raise bad("a request for this has no body")
            raise Refusal(413, "too_large", f"the body may have {route.most_bytes:,} bytes")
        key = (head.target, "gzip" if head.gzip else "") if route.fresh else ()
        run = partial(self._run, route, path, query, head)
        return Work(head=head, run=run, key=key, fresh=route.fresh)

    def _check_login(self, head: Head) -> None:
        kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(415, "unsupported_media", "send Content-Type: application/json")

    def _run(
        self, route: Route, path: dict[str, str], query: Body, head: Head, desk: Desk, body: bytes
    ) -> Answer:
        said = query
        if route.method != "GET":
            said = read_fields(route.body, read_body(body))
        if route.if_match and "if-match" in head.headers:
            said |= {"if_match": _version(head.headers["if-match"], path["identifier"])}
        found = route.handler(desk, said, **path)
        if isinstance(found, File):
            answer = _file(found, self._redactor)
            return squeeze(answer) if head.gzip else answer
        reply = found if isinstance(found, Reply) else Reply(data=found, status=route.status)
        body = b"" if reply.status == 204 else self._encoded(reply.data)
        answer = Answer(
            status=reply.status,
            body=body,
            headers=reply.headers,
            etag=reply.etag,
            revalidate=not reply.etag,
        )
        answer = tagged(answer) if route.method == "GET" else answer
        return squeeze(answer) if head.gzip else answer

    def _encoded(self, data: Any) -> bytes:
        return clean_json(data, self._redactor)


def clean_json(data: Any, redactor: Redactor) -> bytes:
    """As JSON, without secrets."""
    body = encode(data)
    text = body.decode("utf-8")
    if redactor.suspects(text):
        body = encode(redactor.narrowed(text).value(json.loads(body)))
    return body


def _file(file: File, redactor: Redactor) -> Answer:
    text = file.body.decode("utf-8")
    body = redactor.text(text).encode() if redactor.suspects(text) else file.body
    headers = {}
    if file.name:
        headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return tagged(Answer(body=body, kind=file.kind, headers=headers))


def _wrong_method(head: Head, allowed: str) -> Refusal:
    return Refusal(
        405,
        "method_not_allowed",
        f"{head.method} is not allowed here; use {allowed}",
        allow=allowed,
    )


def _stream(head: Head, query: Body) -> Stream:
    seen = head.headers.get("last-event-id", "")
    after = query.get("after")
    if seen:
        if not (seen.isascii() and seen.isdigit() and len(seen) <= MAX_DIGITS):
            raise bad("Last-Event-ID must be the number of an event")
        after = int(seen)
    return Stream(
        after=after,
        identifier=query.get("identifier", "").upper(),
        run=query.get("run", ""),
    )


def _version(etag: str, identifier: str) -> int | None:
    """The version that an editor has seen; None: whatever it is."""
    if etag == "*":
        return None
    name, _, number = etag.removeprefix("W/").strip('"').rpartition(".")
    if name.upper() != identifier.upper() or not (number.isascii() and number.isdigit()):
        raise Refusal(412, "precondition_failed", f"{etag[:50]} is no version of {identifier}")
    return int(number[:MAX_DIGITS])
