"""What an installation is told by its surroundings: a wrong value ends the start in one line that names no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.environment import VARIABLES, check_served, read, shown
from ketapath.errors import BadInput


def test_without_any_variable_it_is_for_this_computer_alone() -> None:
    said = read({})
    assert (said.host, said.port, said.is_loopback, said.is_behind_tls) == ("127.0.0.1", 8000, True, False)
    assert said.audit_anchor == said.data_dir / "audit-anchor.log"
    assert not said.read_without_trail


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert read(dict.fromkeys((v.name for v in VARIABLES), "")) == read({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "a b"), ("PORT", "0"), ("PORT", "65536"), ("PORT", "http"), ("PORT", "8_000"),
        ("DATABASE_URL", "mysql://u:word@h/db"), ("DATABASE_URL", "postgresql://u:word@h/"),
        ("DATABASE_URL", "postgresql://u:word@h:x/db"), ("DATABASE_URL", "word"), ("TLS_PROXY", "yes"),
        ("PUBLIC_URL", "clinic.example"), ("PUBLIC_URL", "https://clinic.example/path"), ("IDLE_MINUTES", "0"),
        ("IDLE_MINUTES", "241"), ("SESSION_HOURS", "25"), ("DEMO_AHEAD", "-1"), ("DEMO_AHEAD", "nan"),
        ("DEMO_AHEAD", "x"), ("TEST_MODE", "2"), ("WORKERS", "0"), ("WORKERS", "17"), ("LOG_LEVEL", "debug"),
        ("LOG_REQUESTS", "on"), ("READ_WITHOUT_TRAIL", "yes"), ("TLS_CERT", "/no/such/file"),
        ("PROXY_FROM", "the proxy"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_name_what_is_allowed_and_the_next_step(name: str, value: str) -> None:
    with pytest.raises(BadInput) as told:
        read({name: value})
    limit = next(v.limit for v in VARIABLES if v.name == name)
    words = str(told.value)
    assert told.value.exit_code == 3
    assert words.startswith(f"{name}: found ")
    assert limit in words
    assert words.endswith("Set it anew and start again.")
    assert "\n" not in words
    assert "word" not in words.removesuffix(told.value.next_step).replace("password", "")


@pytest.mark.requirement(33)
@pytest.mark.parametrize(
    ("surroundings", "field"),
    [
        ({"HOST": "0.0.0.0"}, "HOST"),
        ({"HOST": "clinic.example"}, "HOST"),
        ({"HOST": "0.0.0.0", "TLS_PROXY": "1"}, "PUBLIC_URL"),
    ],
)
def test_nobody_elsewhere_is_served_without_tls(surroundings: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as told:
        check_served(read(surroundings))
    assert told.value.field == field


@pytest.mark.requirement(33)
def test_elsewhere_is_served_behind_a_declared_proxy_or_with_a_certificate(tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    pem.write_text("-")
    check_served(read({"HOST": "0.0.0.0", "TLS_PROXY": "1", "PUBLIC_URL": "https://clinic.example"}))
    own = {"TLS_CERT": str(pem), "TLS_KEY": str(pem), "PUBLIC_URL": "https://clinic.example"}
    check_served(read({"HOST": "0.0.0.0", **own}))


@pytest.mark.parametrize(
    ("surroundings", "field"),
    [
        ({"TLS_PROXY": "1", "PUBLIC_URL": "http://clinic.example"}, "PUBLIC_URL"),
        ({"TEST_MODE": "1", "HOST": "10.0.0.1", "TLS_PROXY": "1"}, "TEST_MODE"),
        ({"TLS_CERT": __file__}, "TLS_KEY"),
        ({"TLS_KEY": __file__}, "TLS_CERT"),
        ({"TLS_CERT": __file__, "TLS_KEY": __file__, "TLS_PROXY": "1"}, "TLS_PROXY"),
    ],
)
def test_two_variables_that_contradict_each_other_are_told(surroundings: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as told:
        read(surroundings)
    assert told.value.field == field


@pytest.mark.requirement(34)
def test_a_secret_may_stand_in_a_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://clinic:s3cret@database/ketapath?sslpassword=s3cret\n")
    said = read({"DATABASE_URL_FILE": str(file)})
    assert said.database_url.endswith("sslpassword=s3cret")
    assert "s3cret" not in str(shown(said))
    assert shown(said)["DATABASE_URL"] == "postgresql://clinic:***@database/ketapath"


def test_what_else_the_surroundings_hold_is_not_ours_to_judge() -> None:
    assert read({"KETAPATH_UNKNOWN": "x", "PATH": "/bin"}) == read({})
