"""Claude Code through the official Agent SDK: the only room that imports it."""

from axon.engines.claude.engine import ClaudeEngine
from axon.engines.claude.options import TOOLS

__all__ = ["TOOLS", "ClaudeEngine"]
