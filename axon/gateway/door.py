"""What happens to one request: who asks, may they, and what they may spend."""

from dataclasses import dataclass, field

from axon.gateway.allowances import DayBudget
from axon.gateway.books import Books
from axon.gateway.budgets import Budgets, Overdraft, Reservation, asked_of
from axon.gateway.delegates import AGENT_ID, Delegates
from axon.gateway.limits import Limits
from axon.gateway.prices import price_of
from axon.gateway.prompts import Prompts
from axon.gateway.settings import GatewaySettings
from axon.gateway.tokens import presented_token, token_hash
from axon.gateway.visit import Visit, Way
from axon.gateway.wire import Child, Request, Upstream, problem
from axon.ledger import Session
from axon.security.secrets import Redactor


@dataclass(slots=True)
class Door:
    """Lets the requests of open sessions through to the upstream."""

    settings: GatewaySettings
    books: Books
    upstream: Upstream
    redactor: Redactor
    limits: Limits = field(init=False)
    prompts: Prompts = field(default_factory=Prompts)
    delegates: Delegates = field(default_factory=Delegates)
    day: DayBudget = field(init=False)
    budgets: Budgets = field(init=False)

    def __post_init__(self) -> None:
        self.day = DayBudget(max_usd=self.settings.day_usd, max_tokens=self.settings.day_tokens)
        self.budgets = Budgets(
            self.settings.prices, None if self.day == DayBudget() else self.books
        )
        self.limits = Limits(self.books.waiting)

    def handle(self, request: Request, child: Child) -> None:
        """Answer `request`. ChildGone, Cut: the connection is of no more use. LedgerError."""
        token = token_hash(presented_token(request.headers))
        session = self.books.session_of(token)
        if session is None:
            self.books.refuse(token, f"{request.method} {request.path[:200]}: unknown token")
            why = "axon: this token opens no session, or its session has ended"
            child.answer(problem(401, "authentication_error", why))
            return
        way = Way(
            settings=self.settings,
            books=self.books,
            upstream=self.upstream,
            redactor=self.redactor,
            limits=self.limits,
            prompts=self.prompts,
        )
        visit = Visit(way, session, request, child)
        if not request.metered:
            visit.serve()
            return
        reserved = self._reserve(session, request, visit, child)
        if isinstance(reserved, Overdraft):
            self.books.over(session, reserved, self.settings.budget_then)
            child.answer(problem(400, "invalid_request_error", f"axon: {reserved}"))
            return
        try:
            visit.agent = self._agent(session, request)
            visit.serve()
        finally:
            self.delegates.sent(session.id, visit.calls)
            if reserved is not None:
                self.budgets.settle(reserved, visit.tokens)

    def _reserve(
        self, session: Session, request: Request, visit: Visit, child: Child
    ) -> Reservation | Overdraft | None:
        """None: no budget holds this session."""
        known = self.books.accounts(session, self.day)
        if not known:
            return None
        document = request.document()
        model = str(document.get("model") or "")
        if any(a.max_usd is not None for a in known) and not price_of(model, self.settings.prices):
            why = f"the price of {model[:200]} is not known: only budgets of tokens can hold it"
            self.books.once("price_unknown", session, why)
        who = f"{session.id} {request.header(AGENT_ID)}"
        asked = asked_of(who, request.body, model, document.get("max_tokens"))
        return self.budgets.reserve(
            asked,
            lambda extended: self.books.accounts(session, self.day, extended=extended),
            visit.deadline,
            child.hangup,
        )

    def _agent(self, session: Session, request: Request) -> str:
        """The subagent that asks; empty: the one who leads the session."""
        agent_id = request.header(AGENT_ID)
        if not agent_id:
            return ""
        known = self.delegates.known(session.id, agent_id)
        return known or self.delegates.name(session.id, agent_id, request.document())
