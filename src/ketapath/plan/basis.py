"""The basis card: what a clinician needs to check a suggestion instead of believing it. Source: product.md."""

from __future__ import annotations

from ketapath.candidacy import fact_used
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import Basis, Evidence, RuleRef, Text
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge


def basis_card(
    person: Profile,
    candidacy: Candidacy,
    knowledge: Knowledge,
    *,
    suggested: Text,
    next_best: Text,
    against: Text,
    rules: tuple[RuleRef, ...],
    evidence: tuple[Evidence, ...],
    is_predicted: bool = False,
) -> Basis:
    """The card for one suggestion, with every fact that was used and every one that is missing.

    `is_predicted` says that its benefit comes from the response model, whose errors on unseen trials are known.
    """
    used = {f.path: f for finding in candidacy.findings for f in finding.facts}
    for path in ("person.age_years", "vitals.weight_kg", "scale.phq9", "trials.adequate_failed"):
        if path in person.known:
            used.setdefault(path, fact_used(person.known[path], knowledge))
    told = tuple(f.rule for f in candidacy.findings if f.rule is not None)
    return Basis(
        suggested=suggested,
        next_best=next_best,
        facts=tuple(used.values()),
        missing=candidacy.missing,
        rules=tuple(dict.fromkeys((*rules, *told))),
        evidence=evidence,
        likeness=_likeness(person),
        wrong_how_often=_wrong(knowledge, is_predicted=is_predicted),
        best_case_against=against,
        reverses=tuple(_reversals(candidacy)),
        written_by="ketapath knowledge authors",
        checked_by=None,
        device_line=Text(key="basis.device_line"),
        as_of=person.as_of,
        knowledge_version=knowledge.version,
    )


def _wrong(knowledge: Knowledge, *, is_predicted: bool) -> Text:
    if not is_predicted:
        return Text(key="basis.wrong_not_measured")
    tested = knowledge.response["left_out"]
    return Text(key="basis.wrong_left_out", values={k: f"{100 * float(tested[k]):.0f}" for k in ("held", "of")})


def _reversals(candidacy: Candidacy) -> list[Text]:
    """What would turn the findings around; texts are compared by key, because their values may be mappings."""
    found = {t.key: t for f in candidacy.findings if f.verdict not in (None, "eligible") for t in f.reverses}
    return list(found.values())


def _likeness(person: Profile) -> Text:
    """How like the studied people this person is, in words: trials were in adults of 18 to 64 with depression."""
    age = person.known.get("person.age_years")
    if age is None or not isinstance(age.value, float):
        return Text(key="basis.likeness_unknown")
    in_range = 18 <= age.value < 65  # source: TRANS3, LBL_US25: adults under 65 are the main trial population
    return Text(key="basis.likeness_adult" if in_range else "basis.likeness_outside")
