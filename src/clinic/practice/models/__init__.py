"""The tables, one file for each part of the clinic's day."""

from __future__ import annotations

from clinic.practice.models.alerts import Alert, AlertStep, MailAddress, OutgoingMail
from clinic.practice.models.rooms import Certificate, Duty, Room

__all__ = ["Alert", "AlertStep", "Certificate", "Duty", "MailAddress", "OutgoingMail", "Room"]
