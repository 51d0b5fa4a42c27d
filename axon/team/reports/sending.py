"""Send one report now, beside a team or without one, and say what became of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from axon.errors import UsageError
from axon.integrations.errand import Office, Outage
from axon.integrations.notify import Notice
from axon.integrations.notify.chosen import notifiers_of
from axon.ledger import Fate, Ledger, Letter
from axon.tasks.moments import told
from axon.team.courier.telling import Telling

PATIENCE_SECONDS, PAUSE_SECONDS = 30.0, 0.1
SAID = {
    Fate.FAILED: "refused",
    Fate.UNKNOWN: "sent, but it is not known whether it arrived",
    Fate.PENDING: "not sent yet; the next run tries again",
    Fate.SENDING: "being sent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a report on one channel."""

    channel: str
    sent: bool
    said: str

    @property
    def line(self) -> str:
        return f"{self.channel}: {self.said}"


def send_report(ledger: Ledger, office: Office, notice: Notice, *, again: bool) -> list[Sent]:
    """Tell everybody who is told digests. UsageError: there is nobody."""
    told_of = [one for one in notifiers_of(office) if notice.kind in one.kinds]
    if not told_of:
        raise UsageError(
            "nobody is to be told; set TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID, or a [notify] table"
            " in axon.toml"
        )
    if again:
        notice = replace(notice, key=f"{notice.key} again {time.time():.3f}")
    tellings = [Telling(one, office) for one in told_of]
    until = time.monotonic() + PATIENCE_SECONDS
    return [_send(ledger, telling, notice, until) for telling in tellings]


def _send(ledger: Ledger, telling: Telling, notice: Notice, until: float) -> Sent:
    new = telling.post(ledger, [notice])
    problem = ""
    letters = _letters(ledger, telling, notice)
    try:
        while _open(letters) and time.monotonic() < until:
            problem = _round(ledger, telling)
            letters = _letters(ledger, telling, notice)
            if problem and _open(letters):
                break
            if _open(letters):
                time.sleep(PAUSE_SECONDS)
    finally:
        telling.let_go(ledger)
    return _told(telling.name, letters, problem, bool(new))


def _round(ledger: Ledger, telling: Telling) -> str:
    """Send what is due, unless a team's courier is the one who does; what is wrong, if anything."""
    now = time.time()
    if telling.hold(ledger, now):
        try:
            telling.send(ledger, now)
        except Outage as outage:
            return str(outage)
    return ""


def _letters(ledger: Ledger, telling: Telling, notice: Notice) -> list[Letter]:
    """All parts of it: a long report is several."""
    found = ledger.letters(telling.name, limit=200)
    return [one for one in found if one.key == notice.key or one.key.startswith(f"{notice.key} p")]


def _open(letters: Sequence[Letter]) -> bool:
    return any(one.fate in (Fate.PENDING, Fate.SENDING) for one in letters)


def _told(channel: str, letters: Sequence[Letter], problem: str, new: bool) -> Sent:
    left = [one for one in letters if one.fate is not Fate.SENT]
    if not letters or left:
        first = left[0] if left else None
        why = problem or (first.error if first else "")
        said = SAID[first.fate] if first else "not sent"
        return Sent(channel=channel, sent=False, said=f"{said}{f' ({why})' if why else ''}")
    at = letters[-1].sent_at
    if not new and at is not None:
        said = f"was sent at {told(at)}; --again sends it once more"
        return Sent(channel=channel, sent=True, said=said)
    return Sent(channel=channel, sent=True, said="sent")
