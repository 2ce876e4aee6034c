"""Any result as text for a terminal, JSON, HTML or PDF. Says what was found; decides nothing."""

from ketapath.report.arm_form import arm_json, arm_text
from ketapath.report.claims_form import claims_json, claims_text
from ketapath.report.curves import simulation_json, simulation_text
from ketapath.report.document import candidacy_pdf, plan_pdf
from ketapath.report.effects_form import (
    effects_json,
    effects_text,
    effects_validation_json,
    effects_validation_page,
    effects_validation_text,
)
from ketapath.report.exposure_form import exposure_json, exposure_text
from ketapath.report.fit_form import fit_page, fit_picture
from ketapath.report.interaction_form import interaction_json, interaction_text
from ketapath.report.json_form import biomarkers_json, candidacy_json, course_json, plan_json, screening_json
from ketapath.report.page import candidacy_html, course_html, plan_html, screening_html
from ketapath.report.response_validation import (
    response_validation_json,
    response_validation_page,
    response_validation_text,
    validation_picture,
)
from ketapath.report.resting import rests_on
from ketapath.report.text_form import biomarkers_text, candidacy_text, course_text, plan_text, screening_text
from ketapath.report.trial_form import registration, registration_json, trial_json, trial_of, trial_text
from ketapath.report.trial_page import trial_html, trial_sections
from ketapath.report.validation_form import validation_json, validation_page, validation_text
from ketapath.report.words import approval, say
from ketapath.report.worth_form import worth_json, worth_text

__all__ = [
    "approval",
    "arm_json",
    "arm_text",
    "biomarkers_json",
    "biomarkers_text",
    "candidacy_html",
    "candidacy_json",
    "candidacy_pdf",
    "candidacy_text",
    "claims_json",
    "claims_text",
    "course_html",
    "course_json",
    "course_text",
    "effects_json",
    "effects_text",
    "effects_validation_json",
    "effects_validation_page",
    "effects_validation_text",
    "exposure_json",
    "exposure_text",
    "fit_page",
    "fit_picture",
    "interaction_json",
    "interaction_text",
    "plan_html",
    "plan_json",
    "plan_pdf",
    "plan_text",
    "registration",
    "registration_json",
    "response_validation_json",
    "response_validation_page",
    "response_validation_text",
    "rests_on",
    "say",
    "screening_html",
    "screening_json",
    "screening_text",
    "simulation_json",
    "simulation_text",
    "trial_html",
    "trial_json",
    "trial_of",
    "trial_sections",
    "trial_text",
    "validation_json",
    "validation_page",
    "validation_picture",
    "validation_text",
    "worth_json",
    "worth_text",
]
