"""The gauge of the context: real usage, told once, handed over in time."""

from axon.core.context import Gauge
from axon.engines import EngineEvent


def seen(gauge: Gauge, tokens: object, agent: str = "") -> Gauge:
    gauge.saw(EngineEvent(kind="text", agent=agent, data={"context_tokens": tokens}))
    return gauge


def test_it_follows_the_main_agent_only() -> None:
    gauge = Gauge(1000)
    assert seen(gauge, 500).share == 0.5
    assert seen(gauge, 990, agent="coding").share == 0.5
    assert seen(gauge, "many").share == 0.5
    gauge.saw(EngineEvent(kind="tool"))
    assert gauge.share == 0.5 and not gauge.compact_now


def test_brief_at_70_percent_and_handed_over_at_85() -> None:
    gauge = Gauge(1000)
    assert not seen(gauge, 699).compact_now
    assert seen(gauge, 700).compact_now and not gauge.full
    gauge.told = True
    assert not gauge.compact_now
    assert not seen(gauge, 849).full and seen(gauge, 850).full
    assert not seen(gauge, 200).full, "the CLI has compacted it by itself"
