"""How full the model's context is, and what follows: be brief, then hand over to a new session."""

from dataclasses import dataclass

from axon.engines import EngineEvent

COMPACT_AT = 0.70
HAND_OVER_AT = 0.85


@dataclass(slots=True)
class Gauge:
    """Follows the real usage that the engine reports with the main agent's messages."""

    limit_tokens: int
    used_tokens: int = 0
    told: bool = False  # that it must be brief from now on

    def saw(self, event: EngineEvent) -> None:
        tokens = event.data.get("context_tokens")
        if isinstance(tokens, int) and not event.agent:
            self.used_tokens = tokens

    @property
    def share(self) -> float:
        return self.used_tokens / self.limit_tokens

    @property
    def compact_now(self) -> bool:
        """Once, when the context has become that full."""
        return not self.told and self.share >= COMPACT_AT

    @property
    def full(self) -> bool:
        return self.share >= HAND_OVER_AT
