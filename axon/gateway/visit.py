"""One admitted request on its way: send it, wait, ask again, pass the answer on, count."""

import random
import time
from dataclasses import dataclass
from typing import Any

from axon.errors import EngineFault
from axon.gateway.books import Books
from axon.gateway.faults import Verdict, judge
from axon.gateway.limits import OVERLOAD, RATE, Limits, backoff, reset_seconds
from axon.gateway.meter import Meter
from axon.gateway.prices import Tokens, cost_usd
from axon.gateway.prompts import Prompts
from axon.gateway.settings import GatewaySettings
from axon.gateway.wire import (
    NO_RETRY,
    Answer,
    Child,
    ChildGone,
    Cut,
    Headers,
    NoReply,
    Reply,
    Request,
    Upstream,
    header,
    passed_on,
    problem,
)
from axon.ledger import Session, Usage
from axon.security.secrets import Redactor

LARGEST_ERROR = 1 << 20
UNTOLD_RESET_SECONDS = 60.0  # the pause for a limit that does not say when it ends
CHILD_GONE = 499  # the status of a request whose child hung up before an answer came


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What all requests of a gateway go through."""

    settings: GatewaySettings
    books: Books
    upstream: Upstream
    redactor: Redactor
    limits: Limits
    prompts: Prompts


def _reason(verdict: Verdict) -> str:
    return OVERLOAD if verdict.fault is EngineFault.OVERLOADED else RATE


class Visit:
    """One admitted request on its way to the upstream and back."""

    def __init__(self, way: Way, session: Session, request: Request, child: Child) -> None:
        self._way, self._session = way, session
        self._request, self._child = request, child
        self._started = time.monotonic()
        self.deadline = self._started + way.settings.max_hold_seconds
        self._pauses = iter(way.settings.retry_seconds)
        self._holds = self._retries = 0
        self._counted = False
        self.agent = ""  # the subagent that asks
        self.tokens = Tokens()
        self.calls: list[tuple[str, dict[str, Any]]] = []  # of the answer, that start subagents

    def serve(self) -> None:
        try:
            found = self._ask()
            if isinstance(found, Reply):
                self._relay(found)
                return
            self._spend(found.status)
            self._child.answer(found)
        except ChildGone:
            self._spend(CHILD_GONE)
            raise

    def _ask(self) -> Reply | Answer:
        """Try until there is something to give the child."""
        while True:
            mark = self._turn()
            try:
                reply = self._way.upstream.send(self._request, self._session, self._child.hangup)
            except NoReply as error:
                why = f"cannot reach the model endpoint: {error}"
                verdict = Verdict(
                    action="retry" if error.again else "fail", fault=EngineFault.NETWORK, reason=why
                )
                answer = problem(502, "api_error", f"axon: {why}")
            else:
                self._way.limits.learn(self._request.model, reply.headers, mark)
                if reply.status < 300:
                    return reply
                answer = self._whole(reply)
                verdict = judge(answer)
            final = self._resolve(verdict, answer)
            if final is not None:
                return final

    def _turn(self) -> int:
        """Wait until this request may be sent."""
        request, session = self._request, self._session.id
        tokens = self._way.prompts.expected(session, request) if request.metered else 0
        return self._way.limits.wait(
            session, request.model, tokens, self.deadline, self._child.hangup
        )

    def _resolve(self, verdict: Verdict, answer: Answer) -> Answer | None:
        """What the child gets; None after a wait that makes another try worthwhile."""
        resets_at = None
        match verdict.action:
            case "pass":
                return answer
            case "retry":
                if (pause := next(self._pauses, None)) is not None:
                    self._child.hangup.wait(pause * random.uniform(1, 1.25))
                    self._retries += 1
                    return None
            case "hold":
                told = reset_seconds(answer.headers, time.time())
                seconds = backoff(self._holds) if told is None else told
                if self._may_wait(seconds) and header(answer.headers, NO_RETRY[0]) != NO_RETRY[1]:
                    self._holds += 1
                    self._retries += 1
                    self._way.limits.hold(seconds, _reason(verdict))
                    return None
                resets_at = self._give_up(verdict, told)
            case "fail":
                answer = problem(502, "api_error", f"axon: {verdict.reason}")
        return self._failed(verdict, answer, resets_at)

    def _may_wait(self, seconds: float) -> bool:
        return time.monotonic() + seconds < self.deadline

    def _give_up(self, verdict: Verdict, told: float | None) -> float | None:
        """The limit lasts longer than a child may wait: the whole team pauses, if it is ours."""
        if verdict.fault is not EngineFault.RATE_LIMIT:
            return None if told is None else time.time() + told
        until = time.time() + (UNTOLD_RESET_SECONDS if told is None else told)
        self._way.books.pause("rate limit", until)
        return until

    def _failed(self, verdict: Verdict, answer: Answer, resets_at: float | None) -> Answer:
        """Say what went wrong where worker and coordinator look for it; the child ends."""
        fault = verdict.fault or EngineFault.NETWORK
        reason = " ".join(self._way.redactor.text(verdict.reason).split())
        self._way.books.fault(
            self._session, fault, reason, status=answer.status, resets_at=resets_at
        )
        if verdict.action == "stop":
            self._way.books.halt(self._session, fault, reason)
        others: Headers = tuple(item for item in answer.headers if item[0].lower() != NO_RETRY[0])
        return Answer(status=answer.status, headers=(*others, NO_RETRY), body=answer.body)

    def _whole(self, reply: Reply) -> Answer:
        """An error with its body, without any secret it may echo."""
        body = b""
        try:
            for piece in reply.pieces:
                body += piece
                if len(body) > LARGEST_ERROR:
                    break
        except Cut:
            pass  # its status says enough
        finally:
            reply.close()
        clean = self._way.redactor.text
        if header(reply.headers, "content-encoding").lower() not in ("", "identity"):
            return problem(reply.status, "api_error", f"the model endpoint said {reply.status}")
        return Answer(
            status=reply.status,
            headers=tuple((name, clean(value)) for name, value in passed_on(reply.headers)),
            body=clean(body[:LARGEST_ERROR].decode("utf-8", "replace")).encode(),
        )

    def _relay(self, reply: Reply) -> None:
        """Pass the answer on as it comes. What the child has seen the end of is counted."""
        meter = Meter(reply.headers)
        try:
            self._child.start(reply.status, passed_on(reply.headers), reply.length)
            sent = 0
            for piece in reply.pieces:
                sent += len(piece)
                if sent != reply.length and not meter.may_end(piece):
                    self._pass_on(piece, meter)
                    continue
                meter.feed(piece)
                if sent == reply.length:
                    meter.finish()
                if meter.ended or sent == reply.length:
                    self._spend(reply.status, meter)
                self._child.write(piece)
            meter.finish()
            self._spend(reply.status, meter)
            if meter.error:
                self._way.books.cut(self._session, f"the model broke off: {meter.error}")
            self._child.end()
        except Cut as cut:
            if self._child.hangup.gone:
                raise ChildGone from None
            self._way.books.cut(self._session, str(cut))
            raise
        finally:
            self._spend(reply.status, meter)
            reply.close()

    def _pass_on(self, piece: bytes, meter: Meter) -> None:
        """What is not the end is looked at while the child reads it."""
        try:
            self._child.write(piece)
        finally:
            meter.feed(piece)

    def _spend(self, status: int, meter: Meter | None = None) -> None:
        """Count this request, once."""
        if self._counted or not self._request.metered:
            return
        self._counted = True
        now = time.monotonic()
        tokens = self.tokens = meter.tokens if meter else Tokens()
        self.calls = meter.calls if meter else []
        self._way.prompts.saw(self._session.id, self._request, tokens)
        model = (meter.model if meter else "") or str(self._request.document().get("model") or "")
        unknown = status in (200, CHILD_GONE) and not (meter and meter.seen)
        first = meter.first_token_at if meter else None
        self._way.books.spend(
            Usage(
                session=self._session.id,
                model=model[:200],
                status=status,
                input_tokens=tokens.input,
                output_tokens=tokens.output,
                cache_read_tokens=tokens.cache_read,
                cache_write_tokens=tokens.cache_write,
                cost_usd=self._cost(model, tokens, status, unknown),
                first_token_seconds=None if first is None else first - self._started,
                seconds=now - self._started,
                agent=self.agent,
                retries=self._retries,
            )
        )

    def _cost(self, model: str, tokens: Tokens, status: int, unknown: bool) -> float | None:
        if unknown:
            return None
        return cost_usd(model, tokens, self._way.settings.prices) if status < 300 else 0.0
