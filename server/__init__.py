"""The server that drives: it answers telemetry with steering and throttle, and observers watch the drive."""

import warnings

# eventlet warns at every import that it only gets bug fixes; a user can do nothing about it.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
