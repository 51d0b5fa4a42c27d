"""Send what the outbox holds for one channel: in order, and honest about what it cannot know.

A letter is marked before it leaves. Whoever finds the mark was not the one to set it: the sender
died, and nobody knows whether the letter arrived. It is then sent once more where that does least
harm (marked as a possible repeat), and otherwise left as `unknown`.
"""

import time
from dataclasses import dataclass

from axon.integrations.errand import Outage
from axon.integrations.notify import Notifier, Undelivered
from axon.ledger import Fate, Ledger, Letter, Outcome

MOST_AT_ONCE = 20
MOST_SECONDS = 15.0  # of one round: whoever sends must prove in between that he still may
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
LONGEST_WAIT = 3600.0  # a later date comes from a clock that was wrong
GIVE_UP_SECONDS, GIVE_UP_ATTEMPTS = 24 * 3600.0, 5
OUTAGE_SECONDS = 600.0  # until a channel that refuses everything is tried again
TELL_ATTEMPTS = 4  # a person is told that it does not get better
IDLE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round has done. `wait`: seconds until there may be something to do."""

    sent: int = 0
    wait: float = IDLE
    dropped: tuple[str, ...] = ()  # why letters were given up


def deliver(ledger: Ledger, notifier: Notifier, now: float) -> Delivered:
    """Send what is due. Outage: the channel takes nothing for now; all of it stays."""
    sent = 0
    dropped: list[str] = []
    began = time.monotonic()
    for letter in ledger.open_letters(notifier.channel, limit=MOST_AT_ONCE):
        if time.monotonic() - began > MOST_SECONDS:
            return Delivered(sent=sent, wait=0.0, dropped=tuple(dropped))
        if letter.fate is Fate.SENDING:
            ledger.end_sending(letter, _orphan(letter, notifier))
            return Delivered(sent=sent, wait=0.0, dropped=tuple(dropped))
        if now < letter.next_at < now + LONGEST_WAIT:
            if letter.attempts >= TELL_ATTEMPTS:  # it does not work again by being waited for
                raise Outage(letter.error, seconds=letter.next_at - now)
            return Delivered(sent=sent, wait=letter.next_at - now, dropped=tuple(dropped))
        if not ledger.begin_sending(letter):
            continue
        try:
            receipt = notifier.send(letter)
        except Undelivered as error:
            outcome = _failed(letter, notifier, error, now)
            ledger.end_sending(letter, outcome)
            if error.then == "nobody":
                raise Outage(str(error), seconds=error.seconds or OUTAGE_SECONDS) from None
            if outcome.fate is Fate.PENDING:
                wait = max(0.0, outcome.next_at - now)
                if letter.attempts + error.counted >= TELL_ATTEMPTS and error.counted:
                    raise Outage(str(error), seconds=wait) from None
                return Delivered(sent=sent, wait=wait, dropped=tuple(dropped))
            dropped.append(f"{letter.kind} was not told on {notifier.channel}: {error}")
        else:
            ledger.end_sending(letter, Outcome(fate=Fate.SENT, receipt=receipt))
            sent += 1
    more = sent + len(dropped) >= MOST_AT_ONCE
    return Delivered(sent=sent, wait=0.0 if more else IDLE, dropped=tuple(dropped))


def _orphan(letter: Letter, notifier: Notifier) -> Outcome:
    """Its sender died between sending and writing that down."""
    why = "cut off while it was sent; it may have arrived"
    again = notifier.repeats and letter.doubts == 0
    return Outcome(fate=Fate.PENDING if again else Fate.UNKNOWN, error=why, doubtful=True)


def _failed(letter: Letter, notifier: Notifier, error: Undelivered, now: float) -> Outcome:
    attempts = letter.attempts + error.counted
    old = now - letter.at > GIVE_UP_SECONDS and attempts >= GIVE_UP_ATTEMPTS
    fate = Fate.FAILED if error.then == "never" or old else Fate.PENDING
    if error.doubtful and (letter.doubts > 0 or not notifier.repeats):
        fate = Fate.UNKNOWN
    pause = error.seconds or min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(letter.attempts, 20))
    return Outcome(
        fate=fate,
        error=str(error),
        next_at=now + pause if fate is Fate.PENDING and error.then == "later" else 0.0,
        doubtful=error.doubtful,
        counted=error.counted,
    )
