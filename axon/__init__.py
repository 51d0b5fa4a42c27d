"""axon: a team of Claude agents in one file."""

__version__ = "0.1.0"
