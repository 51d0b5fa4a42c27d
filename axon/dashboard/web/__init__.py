"""HTTP/1.1 for people and programs on this host: strict to read, bounded in everything."""
