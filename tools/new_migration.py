"""Write the next migration from the difference between the tables in code and an empty, migrated database.

.venv/bin/python tools/new_migration.py 0013 "add a waitlist": the number after the last one in versions/.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from station.base import database


def main(number: str, message: str) -> None:
    """Make the file; what it says is still to be read and, where needed, mended by hand."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config()
        config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
        config.attributes["url"] = f"sqlite+aiosqlite:///{folder}/empty.db"
        command.upgrade(config, "head")
        command.revision(config, message=message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
