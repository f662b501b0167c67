"""What several modules look at: the page of the whole made-up run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests._synthetic import synthetic
from tests.report._pages import report


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(tmp_path_factory.mktemp("whole"), *synthetic())
