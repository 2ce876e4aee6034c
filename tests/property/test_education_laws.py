"""Laws of the claims checker: places hold in any markup, neighbours change nothing, no text makes it fail."""

from __future__ import annotations

import html

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ketapath.domain.education import ClaimsReport
from ketapath.education import check_claims, visible_text
from ketapath.education.reading import syllables
from ketapath.knowledge import load

KNOWLEDGE = load()
CLAIMS = (
    "Ketamine cures depression.",
    "It has no side effects.",
    "Our success rate is 80%.",
    "Ketamine is FDA-approved for depression & anxiety.",
    "You can drive home after your session.",
)
NEUTRAL = (
    "The lamp in the hall is yellow.",
    "We close at noon on Fridays.",
    "The chairs were bought in spring.",
    "Our street has trees.",
)
INLINE = ("b", "i", "em", "strong", "span", "a", "u", "small")


def unmarked(fragment: str) -> str:
    return " ".join(visible_text(fragment, "html").split())


def assert_places_hold(source: str, report: ClaimsReport) -> None:
    for at in (*(c.at for c in report.claims), *(o.at for o in report.omissions)):
        assert 0 <= at.start < at.end <= len(source)
        assert unmarked(source[at.start : at.end]) == at.quote


@st.composite
def marked_up(draw: st.DrawFn, sentence: str) -> str:
    """The sentence as HTML: letters as entities, tags opened and closed anywhere, things nobody sees in between."""
    out: list[str] = []
    still_open: list[str] = []
    for letter in sentence:
        choice = draw(st.integers(0, 40))
        if choice == 0:
            tag = draw(st.sampled_from(INLINE))
            still_open.append(tag)
            out.append(f"<{tag}>")
        elif choice == 1 and still_open:
            out.append(f"</{still_open.pop()}>")
        elif choice == 2:
            out.append(draw(st.sampled_from(("<!-- no -->", "<span hidden>not</span>", "<script>1 < 2</script>"))))
        if letter == " " and choice == 3:
            out.append(draw(st.sampled_from(("&nbsp;", "\n  ", "&#32;", "&#160;"))))
        elif choice == 4 or letter in "&<>":
            out.append(f"&#{ord(letter)};" if choice == 4 else html.escape(letter))
        else:
            out.append(letter)
    return "<p>" + "".join(out) + "".join(f"</{tag}>" for tag in reversed(still_open)) + "</p>"


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.sampled_from(CLAIMS + NEUTRAL), min_size=1, max_size=3))
def test_in_any_markup_the_same_claims_stand_at_their_places(data: st.DataObject, sentences: list[str]) -> None:
    source = "".join(data.draw(marked_up(sentence)) for sentence in sentences)
    report = check_claims(source, KNOWLEDGE, form="html")
    assert_places_hold(source, report)
    plain = check_claims("\n\n".join(sentences), KNOWLEDGE)
    assert [c.claim for c in report.claims] == [c.claim for c in plain.claims]
    assert [c.at.quote for c in report.claims] == [c.at.quote for c in plain.claims]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CLAIMS),
    st.lists(st.sampled_from(NEUTRAL), max_size=4),
    st.lists(st.sampled_from(NEUTRAL), max_size=4),
)
def test_a_neutral_sentence_elsewhere_changes_nothing(claim: str, before: list[str], after: list[str]) -> None:
    alone = check_claims(claim, KNOWLEDGE).claims
    among = check_claims(" ".join([*before, claim, *after]), KNOWLEDGE).claims
    assert [(c.claim, c.at.quote) for c in alone] == [(c.claim, c.at.quote) for c in among]
    shift = sum(len(sentence) + 1 for sentence in before)
    assert [c.at.start + shift for c in alone] == [c.at.start for c in among]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
@example("\x00\ud800<&#x110000;>'\"\u2019\u200b&#;&amp")
@example("?" * 50 + "." * 50 + "\n\n- \n* ")
def test_no_plain_text_makes_it_fail_and_its_quotes_are_its_words(text: str) -> None:
    report = check_claims(text, KNOWLEDGE)
    for claim in report.claims:
        assert text[claim.at.start : claim.at.end] == claim.at.quote


PIECES = [
    "<p>", "</p>", "<b", ">", "</i>", "<!--", "-->", "<td>", "<li>", "<br>", "<title>", '<a title="', "<p hidden>",
    "<img alt='it is not addictive'>", "&nbsp;", "&#8217", "\n", "<script>", "</script>", "=", '"', "&",
    "ketamine cures depression", " it is completely safe. ",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_markup_makes_it_fail(pieces: list[str]) -> None:
    source = "".join(pieces)
    report = check_claims(source, KNOWLEDGE, form="html")
    for claim in report.claims:
        assert 0 <= claim.at.start < claim.at.end <= len(source)


@given(st.text(max_size=30))
def test_every_word_has_a_syllable(word: str) -> None:
    assert syllables(word) >= 1
