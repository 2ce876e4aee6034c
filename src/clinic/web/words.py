"""What are the words of closed lists called on a page? Every code word a page may show, in one translatable place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

WORDS: Mapping[str, Any] = MappingProxyType(
    {
        # products
        "racemic/iv": _("Ketamine by vein"),
        "esketamine/nasal": _("Esketamine by nose"),
        # life of a plan, a dose, a visit, a decision
        "active": _("active"),
        "on-hold": _("on hold"),
        "revoked": _("replaced"),
        "completed": _("ended"),
        "in-progress": _("going on"),
        "finished": _("finished"),
        "stopped": _("stopped early"),
        # people of a practice
        "prescriber": _("Prescriber"),
        "nurse": _("Nurse"),
        "therapist": _("Therapist"),
        "coordinator": _("Coordinator"),
        "director": _("Director"),
        "patient": _("Patient"),
        # who knows, or does, what
        "cardiologist": _("cardiologist"),
        "clinician": _("clinician"),
        "hepatologist": _("hepatologist"),
        "laboratory": _("laboratory"),
        "medical lead": _("medical lead"),
        "ophthalmologist": _("ophthalmologist"),
        "pain service": _("pain service"),
        "pharmacist": _("pharmacist"),
        "pregnancy test": _("pregnancy test"),
        "primary care": _("primary care"),
        "psychiatrist": _("psychiatrist"),
        "rater": _("rater"),
        "referrer": _("referrer"),
        "registration": _("registration"),
        "session nurse": _("session nurse"),
        "social worker": _("social worker"),
        # notices
        "dose.more_than_ordered": _("More was given than was ordered: see the session now."),
        "plan.signed": _("A plan was signed."),
        "score.overdue": _("The score is overdue."),
        "measurement.item9": _("Item 9 was answered above zero: assess the risk of suicide now."),
        # where a fact was read
        "Patient": _("person's entry"),
        "Observation": _("measurement"),
        "QuestionnaireResponse": _("form"),
        "Condition": _("diagnosis"),
        "MedicationStatement": _("medicine list"),
        "MedicationRequest": _("order"),
        "MedicationAdministration": _("dose given"),
        "AllergyIntolerance": _("allergy"),
        "Procedure": _("procedure"),
        "Consent": _("consent"),
        "Coverage": _("insurance"),
        "RelatedPerson": _("related person"),
        "CarePlan": _("care plan"),
        "Encounter": _("visit"),
        "FamilyMemberHistory": _("family history"),
        "Practitioner": _("staff entry"),
        "Clinic": _("this clinic"),
        # groups of facts
        "diagnosis": _("Diagnoses"),
        "trials": _("Earlier treatment"),
        "history": _("History"),
        "medicines": _("Medicines"),
        "vitals": _("Measurements"),
        "lab": _("Laboratory"),
        "gene": _("Genes"),
        "scale": _("Scales"),
        "therapy": _("Psychotherapy"),
        "social": _("Daily life"),
        "consent": _("Consent"),
        "setting": _("Setting"),
        "person": _("Person"),
        "clinic": _("Clinic"),
        "staff": _("Staff"),
        "order": _("Order"),
        # words of facts
        "none": _("none"),
        "low": _("low"),
        "moderate": _("moderate"),
        "high": _("high"),
        "imminent": _("imminent"),
        "female": _("female"),
        "male": _("male"),
        "other": _("other"),
        "yes": _("yes"),
        "no": _("no"),
        "hospital": _("hospital"),
        "home": _("home"),
        "ketapath knowledge authors": _("ketapath knowledge authors"),
        # severity of a score
        "none-minimal": _("none or minimal"),
        "minimal": _("minimal"),
        "mild": _("mild"),
        "moderately-severe": _("moderately severe"),
        "severe": _("severe"),
        # shelves and sections of the knowledge
        "rule": _("Rules"),
        "source": _("Sources"),
        "instrument": _("Questionnaires"),
        "drug": _("Drug models"),
        "protocol": _("Protocols"),
        "claim": _("Claims"),
        "harm": _("Harms"),
        "alternative": _("Alternatives"),
        "response": _("Response model"),
        "candidacy": _("Candidacy"),
        "contraindications": _("Contraindications"),
        "work-up": _("Work-up"),
        "interactions": _("Interactions"),
        "regimens": _("Regimens"),
        "monitoring": _("Monitoring"),
        "psychosocial": _("Psychotherapy and daily life"),
        "governance": _("Governance"),
        "drugs": _("Drug models"),
        "instruments": _("Questionnaires"),
        "sources": _("Sources"),
        "session": _("Session"),
        "dose": _("Dose"),
        "support": _("Support"),
        # strength of evidence, and how far it was read
        "RCT": _("randomised trial"),
        "guideline": _("guideline"),
        "label": _("label"),
        "payer policy": _("payer policy"),
        "expert": _("expert"),
        "observational": _("observational"),
        "read": _("read"),
        "summary": _("read as a summary"),
        "unread": _("not read by us"),
        "abstract": _("abstract"),
        "secondary only": _("only told by another source"),
        "not seen": _("not seen"),
        "label copy": _("copy of the label"),
        "code transcription": _("transcribed from code"),
        "official page": _("official page"),
        "excerpt": _("excerpt"),
    }
)
"""Words by code; a word that is not here is shown as it is."""

OWN_WORDS: Mapping[str, Any] = MappingProxyType(
    {
        "session": _("Treatment session"),
        "preparation": _("Preparation: aims, what may be felt, the way home"),
        "integration": _("Talk about the session"),
        "psychotherapy": _("Psychotherapy"),
        "check": _("Review of the treatment with your prescriber"),
        "call": _("Your clinic calls you"),
    }
)
"""Appointments in the words of the patient's own page."""

DECISIONS: Mapping[str, Any] = MappingProxyType(
    {
        "continue": _("Continue"),
        "adjust": _("Adjust the dose"),
        "add": _("Add something"),
        "pause": _("Pause"),
        "stop": _("Stop"),
    }
)
"""The steps after a session, as verbs."""

VERDICTS: Mapping[str, tuple[Any, str, str]] = MappingProxyType(
    {
        "eligible": (_("Eligible"), "ok", "check-circle"),
        "caution": (_("With care"), "caution", "exclamation-triangle"),
        "defer": (_("Not yet"), "caution", "clock"),
        "not-eligible": (_("Not suitable"), "stop", "no-symbol"),
        "undetermined": (_("Not known yet"), "unknown", "question-mark-circle"),
    }
)
"""Each verdict as a word, a meaning and a shape."""
