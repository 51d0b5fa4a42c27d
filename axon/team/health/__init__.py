"""All that `axon health` looks at, and the fast part of it that comes before every run."""

from axon.team.health.probes import all_probes, fast_probes, warnings

__all__ = ["all_probes", "fast_probes", "warnings"]
