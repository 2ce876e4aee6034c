"""The tables, one file for each part of the clinic's day."""

from __future__ import annotations

from clinic.practice.models.alerts import Alert, AlertStep, MailAddress, OutgoingMail
from clinic.practice.models.care import CommunityPlace, Handover
from clinic.practice.models.forms import RegistryKey, RegistryRow, Submission
from clinic.practice.models.rooms import Certificate, Duty, Room
from clinic.practice.models.stock import Balance, Count, Difference, LedgerLine, Lot

__all__ = [
    "Alert",
    "AlertStep",
    "Balance",
    "Certificate",
    "CommunityPlace",
    "Count",
    "Difference",
    "Duty",
    "Handover",
    "LedgerLine",
    "Lot",
    "MailAddress",
    "OutgoingMail",
    "RegistryKey",
    "RegistryRow",
    "Room",
    "Submission",
]
