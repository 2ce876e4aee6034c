"""Every visible word comes through gettext or out of the knowledge: shown by a tongue that puts marks round both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.utils import translation
from tests import invented_courses as courses
from tests.options import INFUSION

from clinic.access.models import Account, Relationship
from clinic.demo.around import OPEN_POINTS, WATCH
from clinic.demo.story import PROCESS_NOTE, SESSION_NOTE
from clinic.practice.models import CommunityPlace, Handover, Room
from clinic.record.models import PatientLine, Practice
from clinic.record.projections import knowledge
from ketapath.domain.response import Course

READY = "treatment-resistant-depression"
ORDERS = "a_way=racemic/iv&a_dose=35&a_minutes=40&b_way=esketamine/nasal&b_dose=56&c_way=racemic/im&c_dose=50"
PAGES = (
    "/today", "/patients", f"/patients/{READY}", "/patients/first-language-arabic", "/patients/half-the-facts-missing",
    "/patients/aneurysm", f"/patients/{READY}/plan", "/patients/aneurysm/plan", f"/patients/{READY}/fact",
    f"/patients/{READY}/plan?one=x&other=y&visits=2&by=cost", "/patients/first-language-arabic/plan/compare",
    f"/patients/{READY}/fact?path=social.ride_home", f"/patients/{READY}/score/phq9", f"/patients/{READY}/score/pcl5",
    f"/patients/{READY}/notes", "/patients/first-language-arabic/notes",
    f"/patients/{READY}/response", "/patients/first-language-arabic/response",
    f"/patients/{READY}/team", "/patients/first-language-arabic/team", "/emergency",
    f"/patients/{READY}/accesses", f"/patients/{READY}/notes?kind=preparation", f"/patients/{READY}/care",
    "/patients/first-language-arabic/therapy", "/patients/first-language-arabic/plan/words", "/team", "/team/places",
    f"/patients/{READY}/preferences", f"/patients/{READY}/preferences?said=",
    f"/patients/{READY}/preferences?said=visits.2.more-visits.1.as_now-visits.3.as_now&stop=1",
    f"/patients/{READY}/worth?whole=1",
    "/patients/seventy-four-with-falls/session", "/patients/pressure-too-high-today/session",
    "/patients/ptsd-with-depression/session", "/knowledge/rules/CON-001", "/knowledge/claims", "/patients/nobody",
    "/bench", f"/bench?{ORDERS}&patient={READY}", f"/bench?{ORDERS}&a_model=all&site=arterial&analyte=norketamine",
    f"/bench?{ORDERS}&a_dose=-5&age=300&hours=1", "/bench/models/racemic_sublingual_venous",
    "/bench/interactions", "/bench/interactions?drug=ticlopidine", "/bench/interactions?drug=none-such",
)  # fmt: skip
WRONG = (
    ("/emergency", {"identity": "nobody", "reason": "?"}),
    ("/emergency", {"identity": "nobody", "reason": "112 112 112"}),
    (f"/patients/{READY}/fact", {"path": "vitals.weight_kg", "said": "7000"}),
    (f"/patients/{READY}/plan", {"option": INFUSION, "outcome": "changed", "dose_mg": "x"}),
    (f"/patients/{READY}/plan", {"option": INFUSION, "outcome": "accepted", "seen": "old"}),
    (f"/patients/{READY}/preferences", {"said": "nonsense"}),
    (f"/patients/{READY}/session", {"step": "open"}),
    (f"/patients/{READY}/session", {"step": "start"}),
    (f"/patients/{READY}/score/phq9", {}),
    (f"/patients/{READY}/goals", {"words": " "}),
    (f"/patients/{READY}/notes", {"step": "sign", "kind": "progress", "text": "x"}),
    (f"/patients/{READY}/notes", {"step": "save", "kind": "progress", "text": " "}),
    (f"/patients/{READY}/goals", {"step": "rate", "goal": "none", "level": "1"}),
    ("/patients/first-language-arabic/card", {"chosen": "adjust", "outcome": "changed"}),
)


class Texts(HTMLParser):
    """The words of a page that somebody can see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style", "pre", "code", "kbd")
        self.found += [value for name, value in attrs if name in ("aria-label", "placeholder", "alt") and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style", "pre", "code", "kbd")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tongue in which every translatable word stands between marks."""
    real = translation._trans
    real.gettext("")  # so that there is something to replace
    real.ngettext("", "", 1)
    monkeypatch.setattr(real, "gettext", lambda words: f"⟦{words}⟧" if words else "")
    monkeypatch.setattr(real, "ngettext", lambda one, many, n: f"⟦{one if n == 1 else many}⟧")
    known = knowledge()
    texts = known.texts
    object.__setattr__(known, "texts", {key: f"⟦{words}⟧" for key, words in texts.items()})
    yield
    object.__setattr__(known, "texts", texts)


def own_words() -> list[str]:
    """What is data and not translated here: names, and what the knowledge calls its facts, rules and sources."""
    known = knowledge()
    words = [spec.label for spec in known.paths.values()] + [rule.ref.title for rule in known.rules.values()]
    words += [*known.sources]
    words += [source.citation for source in known.sources.values()] + [s.locator for s in known.sources.values()]
    words += [e.locator for rule in known.rules.values() for e in rule.evidence if e.locator]
    for other in known.alternatives.values():
        words += [e.locator for e in other.cited() if e.locator] + [comparison.trial for comparison in other.compares]
    for form in known.instruments.values():
        words += [form["title"], form["full_title"], form["licence"]["attribution"]]
        words += [text for part in (*form.get("items", ()), *form.get("options", ())) for text in part["text"].values()]
        words += list(form.get("stem", {}).values())
    words += [p.settings["crisis"][part] for p in Practice.objects.all() for part in ("words", "source", "approved_by")]
    words += [p.settings["currency"] for p in Practice.objects.all() if "currency" in p.settings]
    screens = [screen for condition in known.screening.values() for screen in condition.screens]
    words += [e.locator for screen in screens for e in screen.evidence] + [screen.instrument for screen in screens]
    for card in known.biomarkers.values():
        words += [card.title, card.measures, card.claim, card.device_line, *(s.effect.result for s in card.suppose)]
        words += [said for study in card.studies for said in (study.effect, study.population)]
        words += [e.locator for e in card.evidence if e.locator]
    for model in known.drugs.values():
        words += [model["title"], model["id"], model["id"].split("_")[0].capitalize(), model["id"].replace("_", " ")]
        words += [*model["known_conflicts"], *model["sources"], *model["analytes"]]
    for one in known.perpetrators.values():
        words += [one.drug, one.mechanism, one.note, *one.names, *(m.said for m in one.measured)]
        words += [e.locator for e in one.evidence if e.locator]
    words += [f"acute effects, {quantity}" for quantity in ("systolic", "diastolic", "dissociation")]  # locators
    words += [rule.note for rule in known.rules.values() if rule.note]
    words += [medicine["substance"] for medicine in known.codes["medicines"]]
    words += ["Discussed with the person: aims, limits, and what else there is."]  # of the record
    words += [one.reason for one in Relationship.objects.all()]
    words += [SESSION_NOTE, PROCESS_NOTE, OPEN_POINTS, WATCH, *(room.name for room in Room.objects.all())]
    words += [part for row in Handover.objects.all() for part in (row.open_points, row.watch)]
    words += [part for row in CommunityPlace.objects.all() for part in (row.name, row.contact, row.area, row.languages)]
    words += [account.name for account in Account.objects.all()] + [p.name for p in Practice.objects.all()]
    words += [part for line in PatientLine.objects.all() for part in (line.given, line.family, line.patient_id)]
    return sorted(filter(None, words), key=len, reverse=True)  # an empty one would take every word apart


def said_in(model: object) -> list[str]:
    """What a drug model's file says in its own words: its fields are shown as they are."""
    if isinstance(model, Mapping):
        return [words for key, value in model.items() for words in (str(key).replace("_", " "), *said_in(value))]
    if isinstance(model, list):
        return [words for value in model for words in said_in(value)]
    return [model, model.replace("_", " ")] if isinstance(model, str) else []


FREE = re.compile(
    r"\bketapath\b|\b[a-z]+(-[\w-]+)+,|\bPatient/|\b(en|ar|es|US|UK)\b|(PHQ|GAD)-?\d|LOINC|[A-Z]{2,4}-\d{3}|[A-Z]\w*/[\w./-]+|[0-9a-f]{12,}|v?\d[\d.,:/-]*"
    r"|\b(CSV|SVG|PNG)\b"
    r"|\b(mg|kg|min|mmHg|per|ng/mL|ng\.h/mL|cm|m2|wk|h|g|d|a|x|over)\b|\b[A-H] ·|[\w-]+-(spray|iv|label|series)\b"
)


def leftovers(page: str, known: list[str]) -> list[str]:
    parser = Texts()
    parser.feed(page)
    found = []
    text = "\n".join(parser.found)
    while True:  # marks within marks: a sentence with another sentence as its value
        shorter = re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
        if shorter == text:
            break
        text = shorter
    for words in known:
        text = text.replace(words, " ")
    for line in text.split("\n"):
        rest = FREE.sub(" ", line)
        if re.search(r"[A-Za-z]{2,}", rest):
            found.append(line.strip())
    return found


def test_no_visible_word_is_written_into_a_page(browser_of: Callable[[str], Client], marked: None) -> None:
    client, known = browser_of("prescriber"), own_words()
    pages = {path: client.get(path).content.decode() for path in PAGES}
    pages |= {f"{path} {fields}": client.post(path, fields).content.decode() for path, fields in WRONG}
    patient = browser_of("patient")
    pages |= {path: patient.get(path).content.decode() for path in ("/my", "/my/accesses")}
    director = browser_of("director")
    pages["/decisions"] = director.get("/decisions").content.decode()
    trail = director.get("/audit?who=nurse").content.decode()
    pages["/audit"] = trail.replace("<td>nurse", "<td>").replace('value="nurse"', "")  # the name of an account
    card = "/bench/models/racemic_sublingual_venous"
    of_file = sorted((w for w in said_in(knowledge().drugs["racemic_sublingual_venous"]) if len(w) > 1), key=len)
    wrong = {path: left for path, page in pages.items() if path != card and (left := leftovers(page, known))}
    if left := leftovers(pages[card], known + of_file[::-1]):
        wrong[card] = left
    assert not wrong, "\n".join(f"{path}: {sorted(set(left))[:40]}" for path, left in wrong.items())


@pytest.mark.parametrize("made", [courses.course, courses.failed, courses.without_model, courses.bare])
def test_nor_into_the_pages_of_a_whole_course(
    browser_of: Callable[[str], Client], marked: None, made: Callable[[date], Course]
) -> None:
    treated = "first-language-arabic"
    goals = courses.course(date(2026, 11, 1)).goals
    known = [*own_words(), *courses.TITLES.values(), *(goal.words for goal in goals), *courses.WORDS.values()]
    known += ["bupropion", *courses.TOTALS, *re.findall(r"[A-Za-z][^{}]+", courses.WORDS["test.reliable"])]
    with courses.staged(treated, made):
        for path in (f"/patients/{treated}/response", f"/patients/{treated}"):
            page = browser_of("prescriber").get(path).content.decode()
            page = re.sub(r">Observation/[\w./-]+<", "><", page)  # where a score was read
            assert not leftovers(page, sorted(known, key=len, reverse=True)), path
