"""What a hostile program inside a sandbox tries, and the world around it that must not change."""
