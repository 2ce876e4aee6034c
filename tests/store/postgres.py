"""Run a command with a PostgreSQL of its own: a private cluster in a temporary folder, gone afterwards.

`python -m tests.store.postgres COMMAND ...` sets DATABASE_URL for the command. initdb and pg_ctl refuse root, so they
run as Debian's postgres user there.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.browser.house import free_port


def binaries() -> Path:
    """Debian's newest PostgreSQL, 15 or later."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if found:
        return found[-1]
    program = shutil.which("initdb")
    if program is None:
        raise SystemExit("The store's tests need PostgreSQL: apt install postgresql")
    return Path(program).parent


def main(command: list[str]) -> int:
    """Start the cluster, run the command, take the cluster away."""
    place = Path(tempfile.mkdtemp(prefix="ketapath-pg-"))
    other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if other:
        user = pwd.getpwnam("postgres")
        os.chown(place, user.pw_uid, user.pw_gid)
    data, port = place / "data", free_port()
    settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={place} -c fsync=off"

    def control(*arguments: str) -> None:
        subprocess.run([*other, *arguments], check=True, cwd=place, stdout=subprocess.DEVNULL)

    control(str(binaries() / "initdb"), "-D", str(data), "-U", "clinic", "--auth=trust", "--encoding=UTF8", "-N")
    control(str(binaries() / "pg_ctl"), "-D", str(data), "-w", "-l", str(place / "log"), "-o", settings, "start")
    try:
        url = f"postgresql://clinic@127.0.0.1:{port}/postgres"
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
    finally:
        control(str(binaries() / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
