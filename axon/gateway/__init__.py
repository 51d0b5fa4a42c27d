"""The one door to the model: credentials, metering, limits, scripts."""
