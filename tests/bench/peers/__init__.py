"""What `make bench` measures side by side: axon, and others that keep tasks in SQLite."""
