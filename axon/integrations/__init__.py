"""The world outside: those who are told, and services whose protocol axon speaks."""
