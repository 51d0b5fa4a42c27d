"""Settings of the way to the model: where it is, what it costs, what may be spent."""

from typing import Any

from axon.config.setting import setting
from axon.facts import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class ModelSettings:
    """The part of Config that the gateway is for; there is none but as a part of it."""

    upstream: str = setting(
        "model.upstream",
        "",
        "script:FILE or cassette:FILE instead of the real endpoint",
        flag="model_upstream",
    )
    budget_usd: float | None = setting(
        "budget.usd", None, "USD one run may spend", flag="budget_usd"
    )
    budget_tokens: int | None = setting(
        "budget.tokens", None, "tokens of all kinds one run may use", flag="budget_tokens"
    )
    max_usd: float | None = setting("budget.task_usd", None, "USD one task may spend")
    task_tokens: int | None = setting("budget.task_tokens", None, "tokens one task may use")
    day_usd: float | None = setting(
        "budget.day_usd", None, "USD all runs together may spend from midnight to midnight"
    )
    day_tokens: int | None = setting("budget.day_tokens", None, "tokens they may use")
    budget_then: str = setting(
        "budget.then",
        "stop",
        "what follows a spent budget: stop, pause (until tomorrow, for that of a day) or ask",
    )
    key_command: str = setting(
        "gateway.key_command",
        "",
        "a command that prints the key of the model endpoint, instead of ANTHROPIC_API_KEY",
        env="AXON_KEY_COMMAND",
        own=True,
    )
    key_minutes: float = setting(
        "gateway.key_minutes", 5.0, "such a key is fetched anew after so long, or when refused"
    )
    record: str = setting(
        "model.record", "", "write a cassette of all answers of the model", flag="record"
    )
    replay: str = setting(
        "model.replay",
        "strict",
        "a cassette answers only what was asked when it was recorded; lenient: each turn as then",
        flag="replay",
    )
    replay_speed: float = setting(
        "model.replay_speed", 1.0, "times as fast as recorded; 0: without waiting"
    )
    hold_seconds: float = setting(
        "gateway.hold_seconds", 60.0, "a limit that lasts longer pauses the team instead"
    )
    prices: dict[str, dict[str, Any]] = setting(
        "prices", {}, "what models cost, where it is not what axon knows: a table each, see below"
    )
