"""Several servers and writers on one database: no change is lost, each errand is done once, TLS is new enough."""

from __future__ import annotations

import datetime
import json
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.browser.house import free_port
from tests.store.places import RUN, Place, place

COUNT = """
import os, sys, json, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from clinic import clock
from clinic.access.models import Account
from clinic.actions.commit import Act, Draft, Stale, commit
from clinic.record.read import read
by, stale = Account.objects.get(role="prescriber"), 0
for number in range(int(sys.argv[1])):
    while True:
        now = read(by.practice, "Observation", "counter")
        before = 0 if now is None else now.resource["valueInteger"]
        counter = {"resourceType": "Observation", "id": "counter", "status": "preliminary", "valueInteger": before + 1,
                   "code": {"text": "counted"}, "subject": {"reference": "Patient/p1"}}
        told = {"patient_id": "p1", "role": "nurse", "key": "plan.signed"}
        try:
            commit(Act(name="state-fact", by=by, patient_id="p1"),
                   [Draft(resource=counter, expected=0 if now is None else now.version)],
                   errands=[("notice", told, clock.now())])
            break
        except Stale:
            stale += 1
print(stale)
"""
FOUND = """
import os, json, django
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
django.setup()
from clinic.access.models import Account
from clinic.record.models import Errand, Notice
from clinic.record.read import history
by = Account.objects.get(role="prescriber")
versions = history(by.practice, "Observation", "counter")
print(json.dumps({"values": [v.resource["valueInteger"] for v in versions][::-1],
                  "waiting": Errand.objects.filter(kind="notice", done_at=None).count(),
                  "done": Errand.objects.filter(kind="notice").exclude(done_at=None).count(),
                  "notices": Notice.objects.count()}))
"""


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this computer that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    return folder / "cert.pem", folder / "key.pem"


def trusting(most: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if most is not None:
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def asked(address: str, within_s: float = 60.0) -> Any:
    """What /health answers, once it does."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            with urlopen(f"{address}/health", timeout=5, context=trusting()) as answer:
                return json.loads(answer.read()), dict(answer.headers)
        except OSError:
            assert time.monotonic() < deadline, address
            time.sleep(0.2)


def serving(at: Place, **settings: str) -> subprocess.Popen[str]:
    surroundings = {**at.surroundings, **settings}
    return subprocess.Popen([sys.executable, "-c", RUN, "serve"], env=surroundings, stderr=subprocess.PIPE, text=True,
                            stdout=subprocess.DEVNULL)  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*TLSv1:DeprecationWarning")  # old versions are tried on purpose
@pytest.mark.requirement(33, 51, 53)
def test_two_servers_and_two_writers_on_one_database_lose_nothing_and_do_each_errand_once(tmp_path: Path) -> None:
    made = place(tmp_path / "data")
    made.run_all(
        ["create-practice", "real", "--name", "Real Clinic"],
        ["create-user", "ada", "--name", "Ada", "--role", "prescriber", "--practice", "real"],
    )
    cert, key = certificate(tmp_path)
    first, second = free_port(), free_port()
    servers = [
        serving(made, PORT=str(first), WORKERS="2", TLS_CERT=str(cert), TLS_KEY=str(key)),
        serving(made, PORT=str(second)),
    ]
    try:
        _told, headers = asked(f"https://127.0.0.1:{first}")
        assert {name.lower() for name in headers} >= {"strict-transport-security", "x-request-id"}
        asked(f"http://127.0.0.1:{second}")
        with pytest.raises(OSError, match=r"(?i)ssl|protocol|tls"):
            urlopen(f"https://127.0.0.1:{first}/health", timeout=5, context=trusting(ssl.TLSVersion.TLSv1_1))
        command = [sys.executable, "-c", COUNT, "40"]
        writers = [subprocess.Popen(command, env=made.surroundings, stdout=subprocess.PIPE) for _ in range(2)]
        for writer in writers:
            writer.communicate(timeout=90)
        assert [writer.returncode for writer in writers] == [0, 0]
        deadline = time.monotonic() + 30
        while (found := json.loads(made.run(program=FOUND).stdout))["waiting"] and time.monotonic() < deadline:
            time.sleep(0.5)
    finally:
        for server in servers:
            server.send_signal(signal.SIGTERM)
        ends = [(server.communicate(timeout=30)[1], server.returncode) for server in servers]
    assert found == {"values": list(range(1, 81)), "waiting": 0, "done": 80, "notices": 80}
    assert ends == [("", 0), ("", 0)]
