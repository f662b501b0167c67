"""Settings that all tests share."""

import os

from hypothesis import settings

# A check of a commit must say the same twice; the search for new examples is for the desk.
settings.register_profile("repeatable", derandomize=True)
if "CI" in os.environ:
    settings.load_profile("repeatable")
