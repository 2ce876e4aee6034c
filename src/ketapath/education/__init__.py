"""Is what a clinic tells patients honest? Finds marketing claims, what is left out, and how hard the text is to read.

`check_claims(text, knowledge)` is the public verb. It reads English. A claim is found by its wordings in
knowledge/claims, sentence by sentence, unless the text denies it, asks it, or quotes it in order to reject it; it
knows no irony, no pictures and no claim that spans several sentences. Sources: those of each claim's record.
"""

from ketapath.education.check import check_claims, claims_in
from ketapath.education.visible import Form, looks_like_html, visible_text

__all__ = ["Form", "check_claims", "claims_in", "looks_like_html", "visible_text"]
