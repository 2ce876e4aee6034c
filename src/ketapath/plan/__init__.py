"""What could be done next for this person? Options side by side, and the decision card after each session.

`propose` makes the options, `adapt` the card. Both give suggestions with their basis, never an order.
"""

from ketapath.plan.adapt import adapt
from ketapath.plan.options import propose

__all__ = ["adapt", "propose"]
