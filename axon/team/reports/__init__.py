"""What people are told of a team's work: each event in a few words, and each day and week."""
