"""The tables, one file for each part of the clinic's day."""

from __future__ import annotations

from clinic.practice.models.care import CommunityPlace, Handover
from clinic.practice.models.rooms import Certificate, Duty, Room

__all__ = ["Certificate", "CommunityPlace", "Duty", "Handover", "Room"]
