"""What is due for this person, and what have they been given so far? Follow-up of a treatment that goes on."""

from ketapath.followup.due import due_assessments, last_turn
from ketapath.followup.exposure import exposure

__all__ = ["due_assessments", "exposure", "last_turn"]
