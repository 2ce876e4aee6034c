"""Passwords in tests are hashed the same way as anywhere, and cheaply: what is proven is never how long that takes."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


def be_cheap() -> None:
    """In this process, from now on."""
    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost = 1, 64
    Argon2PasswordHasher.parallelism = 1
