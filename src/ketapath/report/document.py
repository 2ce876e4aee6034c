"""The plan as a PDF for the chart: tagged, printable in grey, from one template. The only file that imports typst.

All words go in as data, so that nothing in a record can become markup. The fonts in the package are Latin; other
scripts need a font on the machine.
"""

from __future__ import annotations

import json
from pathlib import Path

from ketapath.domain.plan import Plan
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.report.json_form import plan_json

TEMPLATE = Path(__file__).with_name("plan.typ")


def plan_pdf(plan: Plan, person: Profile, knowledge: Knowledge) -> bytes:
    """The plan as PDF bytes."""
    import typst  # only when a PDF is asked for

    form = plan_json(plan, person, knowledge)
    made = typst.compile(TEMPLATE.read_bytes(), format="pdf", sys_inputs={"plan": json.dumps(form)})
    assert isinstance(made, bytes)
    return made
