import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def home():
    """A folder that the servers' account can be let into; pytest closes its own again at each run."""
    with tempfile.TemporaryDirectory(prefix="opsadmin-servers-") as place:
        yield Path(place)
