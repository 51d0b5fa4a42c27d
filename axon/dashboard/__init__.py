"""The page: a process of its own that shows and steers everything there is in the ledger."""
