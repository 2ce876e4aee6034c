"""What the web server talks to: the pages, and the FHIR door in front of them."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
_pages = get_asgi_application()  # sets Django up; only then can the door be imported

from clinic.api.door import Door  # noqa: E402

application = Door(_pages)
