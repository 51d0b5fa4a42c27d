"""GitHub beside a team: work becomes pull requests, issues become tasks, and back."""
