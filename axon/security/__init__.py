"""What agents may do and see, and what must never be written down."""
