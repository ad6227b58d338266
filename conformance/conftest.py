from conformance.plugin import pytest_addoption, pytest_collect_file  # noqa: F401  (`pytest conformance` finds its options and items here)
