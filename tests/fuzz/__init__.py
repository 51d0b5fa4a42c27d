"""Long hunts for what nobody thought of, run by make fuzz; a short run of each is in make test."""
