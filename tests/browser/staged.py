"""The clinic with one person whose course has every part: `python -m tests.browser.staged COURSE demo`.

For tests, and for whoever wants to look at full pages while no record of the demonstration fills them. COURSE is a
function of `tests.invented_courses`.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import django
from django.core.management import call_command
from tests.passwords import be_cheap

from clinic.cli import _prepare_folder
from clinic.cli import main as clinic


def main() -> int:
    """Start the clinic with the first argument's course; the rest is its command."""
    made, *command = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    _prepare_folder(Path(os.environ["DATA_DIR"]))
    django.setup()
    be_cheap()
    call_command("migrate", verbosity=0)
    from tests import invented_courses as courses
    from tests.browser.screenshots import TREATED
    from tests.daytime import hours_ahead

    from clinic import clock
    from clinic.demo.load import load_demo  # these read the settings

    ahead = os.environ.setdefault("DEMO_AHEAD", str(hours_ahead()))
    clock.be_ahead(timedelta(hours=float(ahead)))
    load_demo()  # the demonstration has its own story; the course is staged on top of it
    with courses.staged(TREATED, getattr(courses, made)):
        return clinic(command)


if __name__ == "__main__":
    sys.exit(main())
