"""What several tests of ways in share."""

import pytest

from installation import Installation, install


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Return an environment with `lambda-deploy`. It can't be moved, so each worker makes its own."""
    folder = tmp_path_factory.mktemp("installation") / "venv"
    install(folder)
    return Installation(folder)
