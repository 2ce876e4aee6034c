"""Two protocols line by line: what is kept, changed, added and gone, said in words beside each line."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from django.test import Client
from tests.options import INFUSION, SPRAY
from tests.proofs import shown

from clinic.access.models import Account
from clinic.actions.plan import Wish, decide_plan, standing
from clinic.queries.person import Chart, chart, plan
from clinic.queries.plan import protocol
from ketapath.plan import compare

READY = "treatment-resistant-depression"
PAGE = f"/patients/{READY}/plan/compare"
Visit = Callable[..., Client]
Who = Callable[[str], Account]


def look(by: Account) -> Chart:
    found = chart(by.practice, READY)
    assert found is not None
    return found


def sign(by: Account, option: str, reason: str = "") -> Chart:
    found = look(by)
    wish = Wish(outcome="accepted", reason=reason, seen=standing(found), digest=plan(found).inputs_digest)
    decide_plan(found, option, wish, by=by, key="", proof=shown(by))
    return look(by)


def marked(page: str) -> list[tuple[str, str]]:
    """Each line of the page as what became of it, in its word, and its text."""
    body = page[page.index('class="protocol-lines"') :].partition("</table>")[0]
    rows = re.findall(r'<th scope="row"><span[^>]*>.</span> (.*?)</th>\s*<td>(.*?)</td>', body, re.S)
    return [(kind, re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text))).strip()) for kind, text in rows]


def test_an_option_against_the_plan_signed_from_it_has_changed_in_nothing(browser_of: Visit, account: Who) -> None:
    found = sign(account("prescriber"), INFUSION)
    assert found.plan is not None
    fields = {"old": f"plan.{found.plan.origin.id}", "new": f"option.{INFUSION}"}
    lines = marked(browser_of("nurse").get(PAGE, fields).content.decode())
    own = [(kind, text) for kind, text in lines if text.startswith(("Product:", "Route:", "Dose:", "Infusion:"))]
    assert [kind for kind, _text in own] == ["kept"] * 4
    assert [text.partition(".")[0] for _kind, text in own[:2]] == ["Product: ketamine", "Route: by vein"]
    read = " ".join(text for _kind, text in lines)
    assert "treatment room" in read
    assert "treatment-room" not in read


def test_another_product_changes_its_lines_and_both_are_read(browser_of: Visit, account: Who) -> None:
    by = account("prescriber")
    first = sign(by, INFUSION).plan
    second = sign(by, SPRAY, "needles").plan
    assert first is not None
    assert second is not None
    fields = {"old": f"plan.{first.origin.id}", "new": f"plan.{second.origin.id}"}
    page = browser_of("nurse").get(PAGE, fields).content.decode()
    lines = dict.fromkeys(marked(page))
    dose = next(text for kind, text in lines if text.startswith("Dose"))
    assert ("changed", dose) in lines
    assert "35 mg" in dose
    assert "56 mg" in dose
    assert "added" in {kind for kind, _text in lines}
    found = look(by)
    kinds = [change.kind for change in compare(protocol(found, first), protocol(found, second))]
    assert len(marked(page)) == len(kinds)


def test_every_word_of_the_page_has_its_count(browser_of: Visit, account: Who) -> None:
    sign(account("prescriber"), INFUSION)
    page = browser_of("nurse").get(PAGE).content.decode()
    for kind in {kind for kind, _text in marked(page)}:
        count = sum(one == kind for one, _text in marked(page))
        assert f"{count} {kind}" in page


def test_where_there_are_not_two_protocols_the_page_says_so(browser_of: Visit) -> None:
    page = browser_of("nurse").get("/patients/aneurysm/plan/compare").content.decode()
    assert "There are not two protocols to compare" in page


def test_a_name_that_nobody_gave_chooses_nothing(browser_of: Visit) -> None:
    answer = browser_of("nurse").get(PAGE, {"old": "plan.<i>", "new": "option.none"})
    assert answer.status_code == 200
    assert "<i>" not in answer.content.decode()
