"""One agent at work: session, recording, prompts."""
