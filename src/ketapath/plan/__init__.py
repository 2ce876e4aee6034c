"""What could be done next for this person? Options side by side, and the decision card after each session.

`propose` makes the options: `search` simulates the ways, `offer` ranks them, as often as somebody weighs things anew.
`adapt` makes the card, `onward` the dates of going on; `moved` moves a session with what is `belonging` to it, and
`crowded` says which doses stand closer than the plan's own spacing, `least_days`; `offered_text`
and `signed_text` say a protocol line by line, and `compare` tells two of them apart. All give suggestions with their
basis, never an order. `calculated_then` and `calculated_now` show the calculation of an order to whoever
checks it. `counting` names the markers that may move an option; as shipped there are none.
"""

from ketapath.plan.adapt import adapt
from ketapath.plan.calculation import calculated_now, calculated_then
from ketapath.plan.dosing import most_mg
from ketapath.plan.markers import counting
from ketapath.plan.moved import belonging, crowded, least_days, moved
from ketapath.plan.options import Searched, offer, propose, search
from ketapath.plan.ordering import order_findings
from ketapath.plan.protocol_text import compare, offered_text, signed_text
from ketapath.plan.under_way import onward

__all__ = [
    "Searched",
    "adapt",
    "belonging",
    "calculated_now",
    "calculated_then",
    "compare",
    "counting",
    "crowded",
    "least_days",
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
