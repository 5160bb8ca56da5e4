"""The server that drives: telemetry in, control out, and what watches the drive."""

import warnings

# eventlet is maintained in bug-fix mode and says so at every import; a user can do nothing about it.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
