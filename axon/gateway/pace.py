"""Buckets of tokens that follow what the upstream tells of its limits, to stay just below them."""

from dataclasses import dataclass, field

from axon.gateway.wire import Headers, header

PREFIX = "anthropic-ratelimit-"
PER_SECONDS = 60.0  # limits are per minute, and fill again bit by bit
KINDS = ("requests", "input-tokens", "output-tokens", "tokens")
PROMPTS = ("input-tokens", "tokens")  # what a prompt takes from
MOST_MODELS = 64
STALE_SECONDS = 300.0  # a bucket nobody has told of for so long holds nobody


@dataclass(slots=True)
class Bucket:
    """One limit: how much of it was left when it was told last, and taken since."""

    limit: float = 0.0
    level: float = 0.0
    at: float = 0.0  # monotonic
    told: float = 0.0
    taken: int = 0  # by all requests so far

    def seconds(self, amount: float, now: float) -> float:
        """Until that much is there. More than the whole is never there: then when it is full."""
        if not self.limit or now - self.told > STALE_SECONDS:
            return 0.0
        amount = min(amount, self.limit)
        return max(amount - self._level(now), 0.0) * PER_SECONDS / self.limit

    def take(self, amount: int, now: float) -> None:
        self.taken += amount
        self.level, self.at = self._level(now) - amount, now

    def tell(self, limit: float, left: float, taken_since: int, now: float) -> None:
        self.limit, self.level, self.at, self.told = limit, left - taken_since, now, now

    def _level(self, now: float) -> float:
        return min(self.limit, self.level + (now - self.at) * self.limit / PER_SECONDS)


@dataclass(slots=True)
class Pace:
    """The limits of each model."""

    _models: dict[str, dict[str, Bucket]] = field(default_factory=dict)
    _marks: dict[int, dict[str, int]] = field(default_factory=dict)
    _mark: int = 0

    def seconds(self, model: str, tokens: int, now: float) -> float:
        """Until there is room for a prompt of so many tokens."""
        buckets = self._models.get(model)
        if not buckets:
            return 0.0
        return max(b.seconds(_amount(kind, tokens), now) for kind, b in buckets.items())

    def take(self, model: str, tokens: int, now: float) -> int:
        """A request goes; the mark to learn from its answer with."""
        buckets = self._models.get(model)
        if buckets is None:
            if len(self._models) >= MOST_MODELS:
                self._models.clear()
            buckets = self._models[model] = {kind: Bucket() for kind in KINDS}
        for kind, bucket in buckets.items():
            bucket.take(_amount(kind, tokens) if kind != "output-tokens" else 0, now)
        self._mark += 1
        self._marks[self._mark] = {kind: bucket.taken for kind, bucket in buckets.items()}
        while len(self._marks) > 1024:
            del self._marks[next(iter(self._marks))]
        return self._mark

    def learn(self, model: str, headers: Headers, mark: int, now: float) -> None:
        """What is left does not count what was sent after that request."""
        before, buckets = self._marks.pop(mark, None), self._models.get(model)
        if before is None or buckets is None:
            return
        told = tuple(item for item in headers if item[0].lower().startswith(PREFIX))
        for kind, bucket in buckets.items() if told else ():
            limit = _number(header(told, f"{PREFIX}{kind}-limit"))
            left = _number(header(told, f"{PREFIX}{kind}-remaining"))
            if limit and left is not None:
                bucket.tell(limit, left, bucket.taken - before[kind], now)


def _amount(kind: str, tokens: int) -> int:
    return tokens if kind in PROMPTS else 1


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 13 else None
