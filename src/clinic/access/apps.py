"""What Django does when this part starts: every way of signing in begins a stay."""

from __future__ import annotations

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Accounts, roles, permission, the trail."""

    name = "clinic.access"

    def ready(self) -> None:
        """No sign-in goes unnoticed, whichever page or program it came through."""
        from django.contrib.auth.signals import user_logged_in

        from clinic.access.stays import came_in

        user_logged_in.connect(came_in, dispatch_uid="stay")
