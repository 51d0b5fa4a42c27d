"""GitHub over its REST API: pull requests, issues, and what is said on both."""

from axon.config import Config


def uses_github(config: Config) -> bool:
    """Whether a run has anything to do there."""
    return config.land == "pr" or (config.github_issues and bool(config.github_token))
