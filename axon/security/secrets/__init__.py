"""Take secrets out of whatever is about to be written or sent."""

from axon.security.secrets.output import RedactedOutput, redact_output
from axon.security.secrets.redactor import REDACTED, SECRET_NAME, Redactor, secrets_of
from axon.security.secrets.stream import RedactedStream

__all__ = [
    "REDACTED",
    "SECRET_NAME",
    "RedactedOutput",
    "RedactedStream",
    "Redactor",
    "redact_output",
    "secrets_of",
]
