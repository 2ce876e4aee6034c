"""An assessment, a plan or a chart as a PDF, a drawing as a PNG: one template each. The only file that imports typst.

All words go in as data, so that nothing in a record can become markup. The fonts in the package are Latin; other
scripts need a font on the machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ketapath.domain.candidacy import Candidacy
from ketapath.domain.plan import Plan
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.report.json_form import candidacy_json, plan_json

PLAN = Path(__file__).with_name("plan.typ")
CHART = Path(__file__).with_name("chart.typ")
FORM = Path(__file__).with_name("form.typ")


def plan_pdf(plan: Plan, person: Profile, knowledge: Knowledge) -> bytes:
    """The plan as PDF bytes."""
    return _compiled(plan_json(plan, person, knowledge))


def candidacy_pdf(candidacy: Candidacy, person: Profile, knowledge: Knowledge) -> bytes:
    """The assessment alone as PDF bytes."""
    plan = {"options": None, "no_options_reason": None, "inputs_digest": None, "code_version": None}
    return _compiled(candidacy_json(candidacy, person, knowledge) | plan)


def chart_pdf(form: Mapping[str, Any]) -> bytes:
    """A whole chart as PDF bytes, from `chart_form`."""
    return _compiled(form, CHART)


def form_pdf(form: Mapping[str, Any]) -> bytes:
    """A form as PDF bytes: `title`, `practice`, `lead`, `foot`, `notes`, `groups` of rows with label and value.

    A value that is None is printed as open. `pdf_text.pdf_rows` gives labels and values back.
    """
    return _compiled(form, FORM)


def drawing_png(svg: str, *, points_to_pixels: float = 2.0) -> bytes:
    """An SVG that stands alone as PNG bytes, so many pixels for each of its units."""
    import typst  # only when a picture is asked for

    page = b'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: "svg")'
    # Typst counts 72 points an inch where SVG counts 96 pixels; its own resolution is pixels an inch.
    made = typst.compile(page, format="png", ppi=96.0 * points_to_pixels, sys_inputs={"svg": svg})
    assert isinstance(made, bytes)
    return made


def _compiled(form: Mapping[str, Any], template: Path = PLAN) -> bytes:
    import typst  # only when a PDF is asked for

    made = typst.compile(template.read_bytes(), format="pdf", sys_inputs={template.stem: json.dumps(form)})
    assert isinstance(made, bytes)
    return made
