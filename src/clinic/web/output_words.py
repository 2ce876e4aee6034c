"""What are the words of the drug ledger, of a session's outputs and of adverse events called on a page?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

OUTPUTS: Mapping[str, Any] = MappingProxyType(
    {
        # the five outputs of a session, how a form leaves, adverse events
        "stock.not_as_signed": _("The drug record of a session does not say what was signed as given: read both."),
        "form.overdue of": _("The monitoring form of the session of %(day)s has not been sent within seven days."),
        "session.reading_overdue of": _("Overdue since %(since)s: %(what)s. Room: %(room)s."),
        "output record": _("The record now"),
        "output form": _("Monitoring form"),
        "output effects": _("Side-effect record"),
        "output ledger": _("Drug ledger"),
        "output note": _("Progress note"),
        "output registry": _("Registry row"),
        "output signed": _("Signed as given"),
        "output devices": _("Devices that are charted"),
        "sent online": _("online"),
        "sent fax": _("by fax"),
        "sent post": _("by post"),
        "grade 1": _("mild"),
        "grade 2": _("moderate"),
        "grade 3": _("severe"),
        "grade 4": _("life-threatening"),
        "grade 5": _("death"),
        "adverse death": _("death"),
        "adverse life-threatening": _("danger to life"),
        "adverse hospital-care": _("care in hospital"),
        "adverse disability": _("disability"),
        "adverse congenital-anomaly": _("congenital anomaly"),
        "adverse medically-important": _("otherwise medically important"),
        "adverse certain": _("certainly"),
        "adverse probable": _("probably"),
        "adverse possible": _("possibly"),
        "adverse unlikely": _("unlikely"),
        "adverse unrelated": _("not related"),
        "adverse not-assessed": _("not assessed"),
        "adverse recovered": _("recovered"),
        "adverse recovering": _("recovering"),
        "adverse ongoing": _("goes on"),
        "adverse with-sequelae": _("over, with lasting effects"),
        "adverse fatal": _("fatal"),
        "adverse unknown": _("not known"),
        # the drug ledger
        "stock racemic": _("Ketamine"),
        "stock esketamine": _("Esketamine"),
        "stock vial": _("vial"),
        "stock device": _("nasal device"),
        "stock racemic/vial": _("Ketamine, vials"),
        "stock racemic/device": _("Ketamine, nasal devices"),
        "stock esketamine/vial": _("Esketamine, vials"),
        "stock esketamine/device": _("Esketamine, nasal devices of 28 mg"),
        "stock receipt": _("received"),
        "stock use": _("used"),
        "stock destroyed": _("destroyed"),
        "stock lost": _("lost or stolen"),
        "stock correction": _("correction"),
        "difference miscount": _("Miscounted; the book stays"),
        "difference book-error": _("Error in the book; it is corrected"),
        "difference loss": _("Loss"),
        "difference theft": _("Theft"),
        "means book": _("entry in the book"),
    }
)
