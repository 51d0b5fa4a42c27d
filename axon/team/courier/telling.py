"""The errand that tells one channel what happens: events become letters, letters are sent."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from axon.config.values import weekday
from axon.errors import NotFound
from axon.integrations.errand import Errand, Office, courier_of
from axon.integrations.notify import Notice, Notifier
from axon.integrations.notify.chosen import notifiers_of
from axon.integrations.notify.delivery import deliver
from axon.ledger import Event, Lease, Ledger, Note
from axon.security.secrets import Redactor
from axon.tasks import Task
from axon.team.reports.alerts import Heard, ended, fingerprint, heard
from axon.team.reports.digest import Span, digest_notice, digest_of, due, key_of
from axon.team.reports.happenings import Scene, alert_text, is_alert, notice_of

PAGE = 200
LEASE_SECONDS, RENEW_SECONDS = 120.0, 15.0  # a round of sending is shorter, however slow
ELSEWHERE_SECONDS = 3.0  # another run tells this channel
OLD_SECONDS = 24 * 3600.0  # an event that is older is no news
LOOK_SECONDS = 30.0  # between two looks at what is due by the clock
KEPT_SECONDS = 30 * 86400.0  # letters that are settled
MOST_SINGLE = 5  # news of one moment that are told one by one; more of them are told as one


def tellings(office: Office) -> Sequence[Errand]:
    return [Telling(notifier, office) for notifier in notifiers_of(office)]


@dataclass(slots=True)
class Telling:
    """Implements `Errand` for one notifier. One of all processes at a time tells a channel."""

    notifier: Notifier
    office: Office
    final: bool = True
    _holder: str = field(default_factory=lambda: secrets.token_hex(8))
    _lease: Lease | None = None
    _leased: float = float("-inf")
    _pulse: int = -1
    _looked: float = float("-inf")
    _redactor: Redactor = field(init=False)

    def __post_init__(self) -> None:
        self._redactor = Redactor(self.office.secrets)
        if self.office.run:  # whoever takes over from a courier that died need not wait
            self._holder = courier_of(self.office.run)

    @property
    def name(self) -> str:
        return self.notifier.channel

    def once(self, ledger: Ledger, now: float) -> float:
        if not self.hold(ledger, now):
            return ELSEWHERE_SECONDS
        if (pulse := ledger.pulse()) != self._pulse:
            while self._collect(ledger, now):
                pass
            self._pulse = pulse
        if not self._looked <= now < self._looked + LOOK_SECONDS:
            self._looked = now
            self._by_the_clock(ledger, now)
        return min(self.send(ledger, now), LOOK_SECONDS)

    def send(self, ledger: Ledger, now: float) -> float:
        """What is due; seconds until there may be more. Outage: nothing goes out for now."""
        done = deliver(ledger, self.notifier, now)
        for why in done.dropped:
            ledger.record("not_told", actor="courier", run=self.office.run, why=why)
        return done.wait

    def hold(self, ledger: Ledger, now: float) -> bool:
        """Be the one who tells this channel, if nobody else is."""
        if self._lease is None or not self._leased <= now < self._leased + RENEW_SECONDS:
            self._lease = ledger.lease(f"tell {self.name}", self._holder, LEASE_SECONDS)
            self._leased = now
        return self._lease is not None

    def let_go(self, ledger: Ledger) -> None:
        if self._lease is not None:
            ledger.drop_lease(self._lease)
            self._lease = None

    def post(self, ledger: Ledger, notices: Sequence[Notice]) -> int:
        """Into the outbox, without secrets; what is there already is left as it is."""
        letters = [note for notice in notices for note in self._notes(notice)]
        return ledger.post(self.name, letters) if letters else 0

    def _notes(self, notice: Notice) -> list[Note]:
        title, body = self._redactor.text(notice.title), self._redactor.text(notice.body)
        clean = replace(notice, title=title, body=body)
        bodies = self.notifier.render(clean)
        keys = [notice.key, *(f"{notice.key} part {n}" for n in range(2, len(bodies) + 1))]
        return [
            Note(key=key, kind=notice.kind, body=body)
            for key, body in zip(keys, bodies, strict=True)
        ]

    # ── events ──

    def _collect(self, ledger: Ledger, now: float) -> bool:
        """Turn the next page of events into letters; whether there may be more.

        Letters and the place reached are one transaction: no event is lost, none is told twice.
        """
        name = f"told {self.name}"
        kept = ledger.bookmark(name)
        after = int(kept) if kept else self._beginning(ledger)
        events = ledger.events(after=after, limit=PAGE)
        if not events:
            return False
        scenes = {event.seq: self._scene(ledger, event) for event in events}
        news = [event for event in events if event.at > now - OLD_SECONDS]

        def told() -> None:
            if ledger.bookmark(name) != kept:
                return  # another process has told them
            notices = [notice_of(event, scenes[event.seq]) for event in news]
            wanted = [n for n in notices if n is not None and n.kind in self.notifier.kinds]
            self.post(ledger, self._gathered([*wanted, *self._alerts(ledger, news)]))
            ledger.set_bookmark(name, str(events[-1].seq))

        ledger.together(told)
        return len(events) == PAGE

    def _beginning(self, ledger: Ledger) -> int:
        """A channel that is new is told what happens from this run on."""
        for event in reversed(ledger.latest(action="run_started", limit=20)):
            if event.run == self.office.run:
                return event.seq - 1
        return ledger.last_seq()

    def _scene(self, ledger: Ledger, event: Event) -> Scene:
        project = self.office.config.root.name
        if event.action == "run_ended":
            run, counts = ledger.run(event.run), ledger.counts()
            return Scene(project=project, run=run, counts=counts)
        return Scene(project=project, task=_task(ledger, event.identifier))

    def _alerts(self, ledger: Ledger, events: Sequence[Event]) -> list[Notice]:
        if "alert" not in self.notifier.kinds:
            return []
        found = []
        for event in filter(is_alert, events):
            if event.action == "errand_failed" and event.why.startswith(f"{self.name}: "):
                continue  # who can be told of that here needs it no more
            text = alert_text(event)
            name = f"alert {self.name} {fingerprint(text)}"
            kept = ledger.bookmark(name)
            after, notice = heard(Heard.read(kept) if kept else None, text, event)
            ledger.set_bookmark(name, after.kept())
            found += [notice] if notice else []
        return found

    def _gathered(self, notices: Sequence[Notice]) -> list[Notice]:
        """Much of little weight at one moment is one message: a chat has its limits."""
        light = [notice for notice in notices if notice.quiet]
        if len(light) <= MOST_SINGLE or not self.name.startswith("telegram"):
            return list(notices)
        lines = [f"{one.title}: {one.body.partition(chr(10))[0]}" for one in light]
        gathered = Notice(
            key=f"{light[0].key} and {len(light) - 1} more",
            kind=light[0].kind,
            title=f"{len(light)} news",
            body="\n".join(lines),
            at=light[-1].at,
            quiet=True,
        )
        return [gathered, *(notice for notice in notices if not notice.quiet)]

    # ── what the clock brings ──

    def _by_the_clock(self, ledger: Ledger, now: float) -> None:
        for name, kept in ledger.bookmarks(f"alert {self.name} ").items():
            known = Heard.read(kept)
            if known.over(now):
                ledger.together(partial(self._over, ledger, name, kept, known, now))
        if "digest" in self.notifier.kinds:
            config = self.office.config
            for span in due(now, config.digest_hour, weekday(config.weekly_day)):
                self._digest(ledger, span, now)
        ledger.tidy_outbox(now - KEPT_SECONDS)

    def _over(self, ledger: Ledger, name: str, kept: str, known: Heard, now: float) -> None:
        if ledger.bookmark(name) != kept:
            return
        notice = ended(known, now)
        if notice:
            self.post(ledger, [notice])
        again = Heard(told_at=now, text=known.text)
        ledger.set_bookmark(name, again.kept() if notice else "")

    def _digest(self, ledger: Ledger, span: Span, now: float) -> None:
        key = key_of(span, now)
        name = f"digest {span} {self.name}"
        told = ledger.bookmark(name)
        if told == key or ledger.letters(self.name, key=key, limit=1):
            return
        if not told:  # the first one comes when its hour comes next
            ledger.set_bookmark(name, key)
            return
        digest = digest_of(ledger, span, now, self.office.config.root.name)
        if digest.empty:
            return
        ledger.together(partial(self._posted, ledger, name, key, digest_notice(digest)))

    def _posted(self, ledger: Ledger, name: str, key: str, notice: Notice) -> None:
        self.post(ledger, [notice])
        ledger.set_bookmark(name, key)


def _task(ledger: Ledger, identifier: str) -> Task | None:
    try:
        return ledger.task(identifier) if identifier else None
    except NotFound:  # deleted since
        return None
