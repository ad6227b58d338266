"""What the loader is made of."""
from . import collate, fetch, worker  # noqa: F401

MP_STATUS_CHECK_INTERVAL = 5.0      # seconds between looks whether the other side still lives
