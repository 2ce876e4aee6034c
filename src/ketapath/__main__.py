"""`python -m ketapath` is the command `ketapath`."""

import sys

from ketapath.cli import main

sys.exit(main())
