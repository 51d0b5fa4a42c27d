"""The one door to the model: credentials, metering, limits, scripts."""

GATEWAY = "gateway"  # its name among the processes of a run
