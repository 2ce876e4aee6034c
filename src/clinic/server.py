"""How are pages served until somebody says stop? One process, or several on one socket, and one worker beside them.

Several processes write to one database as several threads do: each act is a transaction, and SQLite lets one write at a
time. A process that ends by itself is started anew.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

import django
import uvicorn

from clinic import logs
from clinic.environment import Environment, here
from clinic.limits import HEADER_BYTES, PatientHttp
from ketapath.errors import BadInput

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 0.2
_AGAIN_AFTER_S = 1.0


def run(said: Environment, *, beside: Sequence[Callable[[threading.Event], None]] = ()) -> int:
    """Serve until ended; the exit code. Open event streams are given three seconds to close.

    What is `beside` runs in threads of this process until its event is set.

    Raises BadInput where the address is taken or cannot be listened on.
    """
    from clinic.access import reserve, sealing
    from clinic.jobs import work, work_apart, write_out

    listener = _listen(said)
    reserve.prepare()
    ready()
    stop = threading.Event()
    tasks = (work, work_apart, write_out, sealing.run, *beside)
    aside = [threading.Thread(target=task, args=(stop,), daemon=True) for task in tasks]
    for thread in aside:
        thread.start()
    # uvicorn raises the signal again once it has closed; as an interrupt it ends this function instead of the process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if said.workers == 1:
            _serve_on(listener, said)
        else:
            _watch(listener, said.workers)
    except KeyboardInterrupt:
        pass
    except SystemExit:
        return 3
    finally:
        stop.set()
        for thread in aside:
            thread.join(timeout=5)
        listener.close()
    return 0


def ready() -> None:
    """Load what every page reads before anybody asks for one, and leave it out of every search for garbage.

    Without that, one request in some dozens waits a quarter of a second while all of the knowledge is looked through.
    """
    from clinic.record.projections import knowledge, words

    knowledge()
    words()
    gc.collect()
    gc.freeze()


def address(said: Environment) -> str:
    """Where it is, to be clicked on."""
    host = f"[{said.host}]" if ":" in said.host else said.host
    return f"{'https' if said.tls_cert else 'http'}://{host}:{said.port}/"


def _listen(said: Environment) -> socket.socket:
    family = socket.AF_INET6 if ":" in said.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if said.tls_cert is not None:
            _tls(said)  # a key that does not fit is told before anybody waits
        listener.bind((said.host, said.port))
        listener.listen(2048)
    except ssl.SSLError as problem:
        raise _wrong("TLS_CERT", str(said.tls_cert), "a certificate chain and its key, both PEM") from problem
    except OSError as problem:
        listener.close()
        why = problem.strerror or "it cannot be listened on"
        raise _wrong("PORT", f"{said.host}:{said.port}", f"a free address of this computer; {why}") from problem
    return listener


def _wrong(name: str, found: str, limit: str) -> BadInput:
    return BadInput(field=name, found=found, limit=limit, next_step="Set it anew and start again.")


def _tls(said: Environment) -> ssl.SSLContext:
    assert said.tls_cert is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(said.tls_cert, said.tls_key)
    return context


class _Server(uvicorn.Server):
    """Tells open streams to end as soon as the server is told."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end."""
        from clinic.web.streams import closing

        closing.set()
        super().handle_exit(sig, frame)


def _serve_on(listener: socket.socket, said: Environment) -> None:
    from clinic.web.streams import closing

    config = uvicorn.Config(
        "clinic.asgi:application", http=PatientHttp, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=3, lifespan="off", ws="none", forwarded_allow_ips=said.proxy_from,
        proxy_headers=said.tls_proxy, h11_max_incomplete_event_size=HEADER_BYTES,
        ssl_context_factory=(lambda *_: _tls(said)) if said.tls_cert is not None else None,
    )  # fmt: skip
    try:
        _Server(config).run(sockets=[listener])
    finally:
        closing.set()


def _watch(listener: socket.socket, count: int) -> None:
    """Keep `count` processes on this socket; end them all when told to end."""
    command = [sys.executable, "-m", "clinic.server", str(listener.fileno())]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, pass_fds=[listener.fileno()])  # noqa: S603  our own interpreter and module

    running = [start() for _ in range(count)]
    try:
        while True:
            time.sleep(_LOOK_EVERY_S)
            for number, process in enumerate(running):
                if process.poll() is not None:
                    _log.error("a server process ended by itself and is started anew")
                    time.sleep(_AGAIN_AFTER_S)
                    running[number] = start()
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(timeout=8)
            except subprocess.TimeoutExpired:
                process.kill()


def main(number: int) -> int:
    """One of several processes, on the socket that it was handed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent says when to end
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    django.setup()
    logs.catch_all()
    ready()
    with contextlib.suppress(KeyboardInterrupt):
        _serve_on(socket.socket(fileno=number), here())
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
