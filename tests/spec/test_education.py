"""Is what a clinic tells patients honest? What is found, what is left alone, and where it stands."""

from __future__ import annotations

import pytest

from ketapath.domain.education import ClaimsReport
from ketapath.education import Form, check_claims, looks_like_html
from ketapath.education.reading import syllables
from ketapath.knowledge import load

KNOWLEDGE = load()


def checked(text: str, form: Form = "text") -> ClaimsReport:
    return check_claims(text, KNOWLEDGE, form=form)


def found(text: str, form: Form = "text") -> list[str]:
    return [claim.claim for claim in checked(text, form).claims]


def test_every_claim_has_a_verdict_an_honest_sentence_and_sources() -> None:
    assert set(KNOWLEDGE.claims) == {f"CLM-{n:02}" for n in range(1, 36)}
    for claim in KNOWLEDGE.claims.values():
        assert claim.evidence
        assert claim.balanced.endswith(".")
        assert claim.needs_approval is (claim.trust != "read")


def test_a_claim_carries_what_a_reader_needs_to_correct_it() -> None:
    (claim,) = checked("Ketamine cures depression.").claims
    assert (claim.claim, claim.verdict, claim.at.quote) == ("CLM-02", "false", "cures depression")
    assert "no cure" in claim.balanced
    assert {e.key for e in claim.evidence} == {"ALBOTT", "KETECT"}


@pytest.mark.parametrize(
    "text",
    [
        "Ketamine does not cure depression.",
        "Ketamine isn’t a cure for depression.",
        "We cannot promise that ketamine will cure your depression.",
        "There is no evidence that ketamine cures depression.",
        "Nobody can say that it cures depression.",
        "A cure for depression is not something we can offer.",
        "Be wary of clinics that say that ketamine cures depression.",
        "Myth: ketamine cures depression.",
        "“Ketamine cures depression.” That is false.",
        "Does ketamine cure depression? No.",
        "Does ketamine cure depression?",
        "It would be wrong to say that ketamine cures depression.",
    ],
)
def test_what_is_denied_asked_or_quoted_to_be_rejected_is_no_claim(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ketamine not only lifts your mood, it cures depression.",
        "If tablets have not helped, ketamine cures depression.",
        "Does ketamine cure depression? Yes.",
        "Why does ketamine cure depression?",
        "Fact: ketamine cures depression.",
        "Myth: ketamine is only a party drug. Fact: it cures depression.",
        "You need not wait, because ketamine cures depression.",
    ],
)
def test_a_no_that_denies_something_else_saves_no_claim(text: str) -> None:
    assert "CLM-02" in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Spravato is approved for treatment-resistant depression.",
        "Esketamine nasal spray is FDA-approved for adults with depression that two medicines have not helped.",
        "Racemic ketamine is approved by the FDA as an anaesthetic and used off-label for depression.",
        "Ketamine has been licensed as an anaesthetic since 1970.",
    ],
)
def test_what_is_true_of_one_product_is_no_claim(text: str) -> None:
    assert not found(text)


def test_the_product_spoken_of_before_decides_what_it_means() -> None:
    assert not found("Spravato is a nasal spray. It is approved by the FDA for depression.")
    assert found("Ketamine is given by drip. It is approved by the FDA for depression.") == ["CLM-01"]


def test_a_promise_with_its_limits_is_no_claim() -> None:
    assert found("It works within hours, and your mood lifts.") == ["CLM-05"]
    assert not found("Some people feel better within hours, but the effect often fades within a week.")
    assert not found("Mood can lift within hours. After one dose it has usually faded a week later.")


def test_figures_with_their_trial_are_no_claim() -> None:
    assert found("Our success rate is 80%.") == ["CLM-04"]
    assert not found("In one open-label trial 71% of 24 people responded after six infusions.")
    assert not found("About 75% of people feel dissociated during the session.")


@pytest.mark.parametrize(
    "text",
    [
        "Ketamine is\nFDA-approved\nfor depression.",
        "Ketamine is FDA\u2011approved for depression.",
        "Ketamine is FDA approved\u00a0for depression.",
        "KETAMINE IS FDA-APPROVED FOR DEPRESSION!",
        "Ketamine is \u201cFDA\u2013approved\u201d for depression.",
        "Ketamine is FDA-approved for de\u00adpression.",
    ],
)
def test_breaks_hyphens_spaces_and_capitals_hide_nothing(text: str) -> None:
    assert "CLM-01" in found(text)


def test_british_and_american_spelling_are_one() -> None:
    assert found("You will not need to be hospitalised.") == found("You will not need to be hospitalized.")
    assert not found("Ketamine is FDA-approved as an anesthetic and used off-label for depression.")


def test_places_of_plain_text_are_the_words_themselves() -> None:
    text = "Hello.\n\nKetamine\ncures your\ndepression, we say."
    (claim,) = checked(text).claims
    assert claim.at.quote == text[claim.at.start : claim.at.end] == "cures your\ndepression"


def test_places_in_html_cover_tags_and_entities() -> None:
    source = "<p>Ketamine <b>cures</b> your&nbsp;depress<i>ion</i>.</p>"
    (claim,) = checked(source, "html").claims
    assert claim.at.quote == "cures your depression"
    assert source[claim.at.start : claim.at.end] == "cures</b> your&nbsp;depress<i>ion"


@pytest.mark.parametrize(
    "source",
    [
        "<script>ketamine cures depression</script>",
        "<style>.ketamine-cures-depression {}</style>",
        "<!-- ketamine cures depression -->",
        "<p hidden>Ketamine cures depression.</p>",
        '<div style="display: none"><p>Ketamine cures depression.</p></div>',
        "<template>Ketamine cures depression.</template>",
        "<p>Ketamine is one thing. It cures</p><p>depression is another.</p>",
        "<ul><li>Ketamine<li>cures<li>depression</ul>",
    ],
)
def test_what_nobody_sees_or_stands_apart_is_no_text(source: str) -> None:
    assert not found(source, "html")


@pytest.mark.parametrize(
    "source",
    [
        '<img alt="Ketamine cures depression">',
        '<a href="/x" title="Ketamine cures depression">x</a>',
        '<meta name="description" content="Ketamine cures depression">',
        "<title>Ketamine cures depression</title>",
        "<h1>Ketamine<br>cures depression</h1>",
        "<p>Ketamine <em>cures</em> <span>depression</span></p>",
    ],
)
def test_what_a_reader_a_listener_or_a_search_engine_gets_is_text(source: str) -> None:
    (claim,) = checked(source, "html").claims
    assert claim.claim == "CLM-02"
    assert "cures" in source[claim.at.start : claim.at.end]


def test_under_a_heading_of_myths_only_facts_are_claims() -> None:
    myths = "<h2>Common myths</h2><ul><li>Ketamine cures depression.</li><li>It is completely safe.</li></ul>"
    assert not found(myths, "html")
    assert found(f"{myths}<h2>Our promise</h2><p>Ketamine cures depression.</p>", "html") == ["CLM-02"]
    table = "<table><tr><th>Myth</th><th>Fact</th></tr><tr><td>Ketamine cures depression</td><td>It does not</td></tr>"
    assert not found(table, "html")


def test_another_treatment_or_illness_is_another_matter() -> None:
    assert not found("Buspirone is not addictive.")
    assert not found("Hepatitis C is cured in nine out of ten people.")
    assert found("Unlike opioids, it is not addictive.") == ["CLM-07"]


def test_what_a_text_with_benefit_leaves_out() -> None:
    report = checked("Ketamine can help people feel better.")
    assert [o.left_out for o in report.omissions] == ["harm", "cost", "alternatives"]
    assert {o.at.quote for o in report.omissions} == {"Ketamine can help people feel better"}
    full = "Ketamine can help people feel better. Nausea is common. It costs 400 dollars. Psychotherapy is another way."
    assert not checked(full).omissions
    assert not checked("Our doors open at eight.").omissions


def test_saying_that_there_is_no_harm_is_no_word_on_harm() -> None:
    report = checked("Ketamine cures depression and has no side effects. It costs 400 dollars. CBT is another way.")
    assert [o.left_out for o in report.omissions] == ["harm"]


def test_reading_level_of_a_known_text_and_of_one_too_short() -> None:
    short = checked("Ketamine cures depression.").reading
    assert (short.flesch_kincaid_grade, short.flesch_reading_ease, short.smog_grade) == (None, None, None)
    assert short.notes[0].key == "education.reading.short"
    easy = checked("The cat sat on the mat. " * 40).reading
    assert (easy.words, easy.sentences) == (240, 40)
    assert easy.flesch_reading_ease == pytest.approx(206.835 - 1.015 * 6 - 84.6)
    assert easy.flesch_kincaid_grade == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    assert easy.smog_grade == pytest.approx(3.1291)
    few = checked("The cat sat on the mat " * 20 + ". It slept.").reading
    assert few.smog_grade is None
    assert few.flesch_kincaid_grade is not None


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("depression", 3), ("treatment", 2), ("ketamine", 3), ("anxiety", 4), ("people", 2), ("walked", 1),
        ("treated", 2), ("boxes", 2), ("times", 1), ("little", 2), ("station", 2), ("science", 2), ("the", 1),
        ("medication", 4), ("your", 1), ("therapy", 3), ("psychiatrist", 4), ("infusion", 3), ("2026", 1),
    ],
)  # fmt: skip
def test_syllables_of_common_words(word: str, count: int) -> None:
    assert syllables(word) == count


def test_html_is_known_by_its_tags() -> None:
    assert looks_like_html("<!DOCTYPE html><html>")
    assert looks_like_html("\n<p>Hello</p>")
    assert not looks_like_html("Hello <b>you</b>, 1 < 2")


def test_the_order_is_that_of_the_text() -> None:
    starts = [
        c.at.start for c in checked("It is not addictive. Ketamine cures depression. It is completely safe.").claims
    ]
    assert starts == sorted(starts)
    assert len(starts) == 3
