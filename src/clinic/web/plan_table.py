"""Options as rows: the same rows for every option, for the table of all of them and for two side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.web.templatetags.clinic import about, amount, say, span, word
from ketapath.domain.evidence import Verdict
from ketapath.domain.plan import Cost, DoseStep, HarmChance, Option, Range

Columns = Sequence[Option]
_NEARLY = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one option says in one row. `lines` are said in full, `quiet` beside them; a gap is what is not known."""

    lines: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    is_gap: bool = False
    share: Range | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; without cells it is the heading of those below it."""

    name: str
    cells: tuple[Cell, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the options of this row are not all alike."""
        return len(set(self.cells)) > 1


def rows(options: Columns) -> list[Row]:
    """Every row for these options, headings included."""
    return [*_what(options), *_benefit(options), *_harm(options), *_burden(options), *_standing(options)]


def _row(name: object, options: Columns, cell: Callable[[Option], Cell]) -> Row:
    return Row(name=str(name), cells=tuple(cell(option) for option in options))


def _what(options: Columns) -> Iterator[Row]:
    yield _row(_("Candidacy"), options, lambda o: Cell(verdict=o.verdict))
    yield _row(_("How often"), options, lambda o: Cell(lines=(say(o.way),), quiet=(say(o.maintenance),)))
    yield _row(_("Dose of a session"), options, _doses)
    yield _row(_("Doses that were compared"), options, _window)


def _doses(option: Option) -> Cell:
    if option.dose is None:
        return Cell(lines=(say(option.dose_withheld),), is_gap=True)
    first, *later = [_step(step, option.infusion_min) for step in option.steps] or [""]
    capped = _("capped") if option.dose.capped else ""
    return Cell(
        lines=(first or amount(option.dose.dose_mg, option.infusion_min), *later),
        quiet=tuple(filter(None, (option.dose.formula, capped, *_conditions(option.steps)))),
    )


def _step(step: DoseStep, infusion_min: float | None) -> str:
    dose = amount(step.dose_mg, infusion_min)
    if step.from_session == 1:
        return dose
    return _("from session %(number)s: %(dose)s") % {"number": step.from_session, "dose": dose}


def _conditions(steps: Sequence[DoseStep]) -> list[str]:
    return list(dict.fromkeys(say(step.condition) for step in steps if step.condition is not None))


def _window(option: Option) -> Cell:
    window = option.window
    why = (say(window.least_why), say(window.most_why))
    if window.least_mg is None or window.most_mg is None:
        return Cell(lines=(_("none yet: the dose is not known"),), is_gap=True)
    said = {"least": f"{window.least_mg:g}", "most": f"{window.most_mg:g}"}
    words = _("%(least)s to %(most)s mg") if window.least_mg != window.most_mg else _("%(most)s mg")
    return Cell(lines=(words % said,), quiet=why)


_BENEFIT = (
    ("better_days", gettext_lazy("Better days of %(days)s: half of the symptoms gone")),
    ("remission_days", gettext_lazy("Days nearly without symptoms, of %(days)s")),
    ("p_response", gettext_lazy("Response after the course")),
    ("p_remission", gettext_lazy("Remission after the course")),
    ("p_relapse", gettext_lazy("Relapse of those who responded, within the weeks looked at")),
)


def _benefit(options: Columns) -> Iterator[Row]:
    yield Row(name=_("Benefit"))
    for key, name in _BENEFIT:
        words = str(name) % {"days": options[0].burden.days} if "%(" in str(name) else str(name)
        yield _row(words, options, lambda o, key=key: expected(o, key))  # type: ignore[misc]


def expected(option: Option, key: str) -> Cell:
    """One expected benefit with its band, or why it cannot be said."""
    found = None if option.benefit is None else option.benefit.get(key)
    if found is None:
        why = option.benefit_note if option.benefit is None else None
        return Cell(lines=(say(why) or _("not known"),), is_gap=True)
    if found.unit == "1":
        return Cell(lines=(about(found.p50),), quiet=(span(found),), share=found)
    return Cell(lines=(f"{found.p50:.0f}",), quiet=(span_of_days(found),))


def span_of_days(found: Range) -> str:
    """The band of a number of days, whole days."""
    return _("%(low)s to %(high)s") % {"low": f"{found.p05:.0f}", "high": f"{found.p95:.0f}"}


def _harm(options: Columns) -> Iterator[Row]:
    yield Row(name=_("Harm in one session, predicted"))
    for index, chance in enumerate(options[0].chances):
        yield _row(say(chance.statement), options, lambda o, i=index: in_people(o.chances[i]))  # type: ignore[misc]
    yield _row(_("Sessions with marked dissociation to be expected"), options, _marked)
    yield Row(name=_("Harm, as published"))
    yield _row(_("Known shares"), options, _published)
    yield _row(_("Peak level, each person's own"), options, _peak)


def in_people(chance: HarmChance) -> Cell:
    """A chance out of a hundred people with its band and the limit that it is held against."""
    limit = {"limit": f"{100 * chance.limit:g}"}
    if chance.p is None or chance.p05 is None or chance.p95 is None:
        return Cell(lines=(say(chance.unknown),), quiet=(_("limit %(limit)s in 100") % limit,), is_gap=True)
    said = {"low": round(100 * chance.p05), "high": round(100 * chance.p95)}
    band = (_("%(low)s to %(high)s in 100") % said,) if said["high"] else ()
    kept = _("limit %(limit)s in 100, kept") if chance.within else _("limit %(limit)s in 100, broken")
    return Cell(lines=(about(chance.p),), quiet=(*band, kept % limit))


def _marked(option: Option) -> Cell:
    found = option.burden.marked_sessions
    return Cell(lines=(_("not known"),), is_gap=True) if found is None else Cell(lines=(f"{found:.1f}",))


def _published(option: Option) -> Cell:
    lines = tuple(say(harm.statement) for harm in option.harm)
    return Cell(quiet=lines) if lines else Cell(lines=(_("no figure on file"),), is_gap=True)


def _peak(option: Option) -> Cell:
    if option.exposure is None:
        return Cell(lines=(_("not known without dose and weight"),), is_gap=True)
    return Cell(lines=(f"{option.exposure.p50:.3g} {option.exposure.unit}",), quiet=(span(option.exposure),))


def _burden(options: Columns) -> Iterator[Row]:
    days = options[0].burden.days
    yield Row(name=_("Burden in %(days)s days") % {"days": days})
    yield _row(_("Visits"), options, lambda o: Cell(lines=(str(o.burden.visits),)))
    yield _row(_("Hours at the clinic"), options, lambda o: Cell(lines=(f"{o.burden.hours:.0f}",)))
    yield _row(_("Length of the course"), options, _course)
    yield _row(_("Milligrams, most within so many days"), options, _milligrams)
    yield _row(_("To arrange before the first session"), options, _first_tasks)
    yield _row(_("Cost"), options, _cost)
    yield _row(_("What the person pays"), options, _own_share)


def _course(option: Option) -> Cell:
    count = sum(visit.kind == "session" for visit in option.schedule)
    said = {"sessions": count, "weeks": f"{option.weeks:.0f}"}
    total = () if option.total_mg is None else (_("%(mg)s mg in all") % {"mg": f"{option.total_mg:g}"},)
    return Cell(lines=(_("%(sessions)s sessions in %(weeks)s weeks") % said,), quiet=total)


def _milligrams(option: Option) -> Cell:
    if not option.burden.mg_by_days:
        return Cell(lines=(_("not known without a dose"),), is_gap=True)
    each = (
        _("%(mg)s mg in %(days)s days") % {"mg": f"{mg:g}", "days": d} for d, mg in option.burden.mg_by_days.items()
    )
    return Cell(lines=tuple(each), quiet=(_("earlier doses of the record counted"),))


def _first_tasks(option: Option) -> Cell:
    tasks = tuple(say(task.title) for task in option.support if task.blocks_first_session)
    return Cell(lines=tasks) if tasks else Cell(quiet=(_("nothing"),))


def _cost(option: Option) -> Cell:
    cost = option.cost
    if cost.total is None:
        return Cell(lines=(_("not known"),), quiet=tuple(_lacking(cost)), is_gap=True)
    return Cell(lines=(f"{cost.total:.0f} {cost.currency or ''}".strip(),))


def _lacking(cost: Cost) -> Iterator[str]:
    unpriced = [word(str(text.values["what"])) for text in cost.lacking if "what" in text.values]
    if unpriced:
        yield _("no price on file: %(what)s") % {"what": ", ".join(unpriced)}
    yield from (say(text) for text in cost.lacking if "what" not in text.values)


def _own_share(option: Option) -> Cell:
    cost = option.cost
    if cost.own_share is None:
        return Cell(lines=(_("not known"),), is_gap=True)
    return Cell(lines=(f"{cost.own_share:.0f} {cost.currency or ''}".strip(),))


_TIERS = {
    "studied": gettext_lazy("such a dose was studied"),
    "outside-studies": gettext_lazy("an extrapolation past the studies"),
    "not-predictable": gettext_lazy("benefit not predictable"),
}


def _standing(options: Columns) -> Iterator[Row]:
    yield Row(name=_("Standing among the options"))
    yield _row(_("Against the first"), options, lambda o: Cell(lines=(against_first(o),)))
    yield _row(_("Best in"), options, lambda o: Cell(lines=tuple(map(say, o.standing.best_for)), quiet=_dominated(o)))
    yield _row(_("What its benefit rests on"), options, lambda o: Cell(lines=(str(_TIERS[o.standing.tier]),)))


def _dominated(option: Option) -> tuple[str, ...]:
    words = _("another option is at least as good in everything that is known")
    return (words,) if option.standing.dominated else ()


def doses(option: Option) -> str:
    """The doses of an option in a line: the first one, and from which session on another."""
    return "" if option.dose is None else "; ".join(_doses(option).lines)


def against_first(option: Option, first: str = "A") -> str:
    """How an option stands against the one suggested first, whose letter is `first`, in a line."""
    standing = option.standing
    if standing.place == 1:
        return _("suggested first")
    if standing.p_first_better is None:
        return _("not compared by benefit")
    said = {"first": first, "count": round(10 * standing.p_first_better)}
    if standing.no_material_difference:
        return _("no material difference from %(first)s (%(first)s better in %(count)s of 10 possible cases)") % said
    if standing.p_first_better > _NEARLY:
        return _("%(first)s is better in nearly all possible cases") % said
    return _("%(first)s is better in %(count)s of 10 possible cases") % said
