"""`python -m recordings`: compose a recording, verify a bag, show what is in one."""

from recordings.cli import main

raise SystemExit(main())
