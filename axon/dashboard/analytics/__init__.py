"""What the history adds up to: folded event by event, so that a long one is read only once."""
