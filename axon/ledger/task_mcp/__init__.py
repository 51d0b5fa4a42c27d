"""A remote task server as ledger: tasks live there, all else of a run in a file on this host.

The file holds copies of the server's issues, so that reading never waits for the network. A claim
is won on the server first (see election). What happens here is told to the server afterwards from
the file's own history (see mirror); while the server is away nothing is lost.
"""

from axon.ledger.task_mcp.ledger import TaskMcpLedger, open_task_mcp

__all__ = ["TaskMcpLedger", "open_task_mcp"]
