"""Lays the fault that the environment names over the implementation, before a worker imports it."""
import os

from conformance.faults import lay

lay(os.environ["CONFORMANCE_FAULT"])
