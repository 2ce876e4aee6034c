"""What could be done next for this person? Options side by side, and the decision card after each session.

`propose` makes the options: `search` simulates the ways, `offer` ranks them, as often as somebody weighs things anew.
`adapt` makes the card, `onward` the dates of going on; `moved` moves a session with what belongs to it; `offered_text`
and `signed_text` say a protocol line by line, and `compare` tells two of them apart. All give suggestions with their
basis, never an order. `counting` names the markers that may move an option; as shipped there are none.
"""

from ketapath.plan.adapt import adapt
from ketapath.plan.dosing import most_mg
from ketapath.plan.markers import counting
from ketapath.plan.moved import moved
from ketapath.plan.options import Searched, offer, propose, search
from ketapath.plan.ordering import order_findings
from ketapath.plan.protocol_text import compare, offered_text, signed_text
from ketapath.plan.under_way import onward

__all__ = [
    "Searched",
    "adapt",
    "compare",
    "counting",
    "most_mg",
    "moved",
    "offer",
    "offered_text",
    "onward",
    "order_findings",
    "propose",
    "search",
    "signed_text",
]
