"""Many agents at work: coordinator, workers, workspaces, gate, landing."""
