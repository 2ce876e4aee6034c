"""What are the closed lists of therapy, staff and referrals called on a page? A part of `words`, apart for its size."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

CARE_WORDS: Mapping[str, Any] = MappingProxyType(
    {
        # therapy around a dose
        "held preparation": _("Preparation"),
        "held integration": _("Integration"),
        "held psychotherapy": _("Psychotherapy"),
        "way cognitive-behavioural": _("Cognitive behavioural"),
        "way interpersonal": _("Interpersonal"),
        "way trauma-focused": _("Trauma-focused"),
        "way relapse-prevention": _("Relapse prevention"),
        "way motivational": _("Motivational"),
        "way mindfulness": _("Mindfulness-based"),
        "way ketamine-assisted": _("Ketamine-assisted"),
        "way supportive": _("Supportive, no method"),
        "way none": _("none is planned"),
        "way other": _("another way"),
        "exposure music": _("Music"),
        "exposure light": _("Light"),
        "exposure eye-mask": _("Eye mask"),
        "exposure touch": _("Touch"),
        "exposure support-person": _("Support person"),
        "exposure virtual-reality": _("Virtual reality"),
        # what staff have to have shown
        "certificate licence": _("Licence"),
        "certificate life-support": _("Life support"),
        "certificate basic-life-support": _("Basic life support"),
        "certificate advanced-life-support": _("Advanced life support"),
        "certificate ketamine-training": _("Training in ketamine"),
        "certificate sedation-monitoring": _("Watching sedation"),
        "certificate psychiatric-assessment": _("Psychiatric assessment"),
        "file held": _("on file"),
        "file ends-soon": _("ends soon"),
        "file look-again": _("look again"),
        "file run-out": _("run out"),
        "file missing": _("missing"),
        # help outside
        "help housing": _("Housing"),
        "help food": _("Food"),
        "help utilities": _("Gas, water, electricity"),
        "help transport": _("A way home"),
        "help safe-home": _("A safe home"),
        "help carers": _("Somebody who can help"),
        "help children": _("Childcare"),
        "help paying": _("Costs of treatment"),
        "help employment": _("Work"),
        "referral open": _("open"),
        "referral made": _("made"),
        "referral answered": _("answered"),
        "referral done": _("done"),
        "referral not-possible": _("not possible"),
    }
)
