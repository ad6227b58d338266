"""Lays the fault that the environment names over the implementation, before a worker imports it."""
import os
import traceback

from conformance.faults import lay

try:
    lay(os.environ["CONFORMANCE_FAULT"])
except Exception:           # Python would go on without the fault
    traceback.print_exc()
    os._exit(3)
