"""The door for the web server."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
pages: Any = get_asgi_application()

from clinic.limits import Limits  # noqa: E402  it reads the settings

application = Limits(pages)
