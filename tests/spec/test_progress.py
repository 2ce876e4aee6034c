"""What a rule may read of the course: sessions, spacing, gain, response, relapse. Silence is never a fact."""

from __future__ import annotations

from datetime import date

from tests.records import days_ago, infusion, intake, person, phq9, record, spread

from ketapath.domain.profile import Profile


def value(someone: Profile, name: str) -> object:
    fact = someone.known.get(f"course.{name}")
    return None if fact is None else fact.value


def treated(*scores: tuple[int, date], sessions: tuple[int, ...] = (21, 18, 14, 11, 7, 4)) -> Profile:
    forms = [phq9(spread(total), on=on) for total, on in scores]
    return person(record(intake({}), *forms, *(infusion(days_ago(d)) for d in sessions)))


def test_sessions_are_counted_and_spaced() -> None:
    someone = treated()
    assert value(someone, "sessions_given") == 6.0
    assert value(someone, "days_since_first_session") == 21.0
    assert value(someone, "days_since_last_session") == 4.0
    assert value(someone, "mean_interval_days") == 10 / 3  # the last four: 14, 11, 7 and 4 days ago


def test_an_infusion_of_nothing_is_no_session() -> None:
    someone = person(record(intake({}), infusion(days_ago(9)), infusion(days_ago(2), mg=0.0)))
    assert value(someone, "sessions_given") == 1.0
    assert value(someone, "mean_interval_days") is None


def test_gain_is_counted_from_the_last_score_before_the_first_session() -> None:
    someone = treated((24, days_ago(60)), (20, days_ago(22)), (15, days_ago(2)))
    assert value(someone, "improvement_percent") == 25.0
    assert value(someone, "responded") is False
    assert value(someone, "relapsed") is False


def test_without_a_score_before_or_after_nothing_is_said_of_response() -> None:
    for someone in (treated(), treated((20, days_ago(22))), treated((9, days_ago(2)))):
        assert value(someone, "improvement_percent") is None
        assert value(someone, "responded") is None


def test_response_that_is_lost_is_a_relapse_and_response_that_holds_has_a_length() -> None:
    lost = treated((20, days_ago(22)), (8, days_ago(12)), (14, days_ago(2)))
    assert value(lost, "responded") is True
    assert value(lost, "relapsed") is True
    assert value(lost, "months_since_response") is None
    held = treated((20, days_ago(22)), (8, days_ago(12)), (4, days_ago(2)))
    assert value(held, "relapsed") is False
    assert value(held, "remitted") is True
    months = value(held, "months_since_response")
    assert isinstance(months, float)
    assert months == 0.4  # 12 days


def test_worse_is_told_against_the_last_score_up_to_the_last_session() -> None:
    assert value(treated((10, days_ago(22)), (18, days_ago(2))), "worse") is True
    assert value(treated((18, days_ago(22)), (17, days_ago(2))), "worse") is False
    assert value(treated((18, days_ago(22))), "worse") is None


def test_an_old_score_no_longer_speaks_of_the_course() -> None:
    someone = treated((20, days_ago(90)), (8, days_ago(40)), sessions=(60,))
    assert value(someone, "improvement_percent") is None
    assert value(someone, "responded") is True  # that it once was so stays so
    assert any(f.path == "course.improvement_percent" for f in someone.unusable)
