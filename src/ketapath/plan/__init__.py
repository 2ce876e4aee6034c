"""What could be done next for this person? Options side by side, and the decision card after each session.

`propose` makes the options: `search` simulates the ways, `offer` ranks them, as often as somebody weighs things anew.
`adapt` makes the card, `onward` the dates of going on. All give suggestions with their basis, never an order.
`counting` names the markers that may move an option; as shipped there are none.
"""

from ketapath.plan.adapt import adapt, onward
from ketapath.plan.dosing import most_mg
from ketapath.plan.markers import counting
from ketapath.plan.options import Searched, offer, propose, search
from ketapath.plan.ordering import order_findings

__all__ = ["Searched", "adapt", "counting", "most_mg", "offer", "onward", "order_findings", "propose", "search"]
