"""What the web server talks to: the pages, and the FHIR door in front of them."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
_pages: Any = get_asgi_application()  # sets Django up; only then can the doors be imported

from clinic.api.door import Door  # noqa: E402
from clinic.limits import Limits  # noqa: E402

pages: Any = Limits(_pages)
application = Door(pages)
