"""The clinic's command with passwords that are cheap to hash: `python -m tests.browser.cheap demo`."""

from __future__ import annotations

import sys

from tests.passwords import be_cheap

from clinic.cli import main

if __name__ == "__main__":
    be_cheap()
    sys.exit(main())
