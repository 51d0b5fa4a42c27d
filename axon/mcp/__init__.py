"""Tools for agents: those of axon itself, other servers, and the ledger as a server."""
