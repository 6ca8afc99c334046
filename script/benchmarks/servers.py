"""A broker and a PostgreSQL of one's own, on free loopback ports, gone when the measuring ends."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .programs import ROOT, ProgramFailed

TOPICS = ("focus.jobs", "focus.results", "focus.dead-letters")
KAFKA = ROOT / ".deps/kafka"
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what: str, is_true, seconds: float = START_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            raise ProgramFailed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)


class Broker:
    """Tansu, with its records in memory. Programs that talk to it need `environment`: a newer librdkafka."""

    environment = os.environ | {"LD_LIBRARY_PATH": str(KAFKA / "lib")}

    def __init__(self, partitions: int):
        self.partitions = partitions
        self.address = f"127.0.0.1:{free_port()}"

    def __enter__(self) -> "Broker":
        if not (KAFKA / "tansu").exists():
            raise ProgramFailed("there is no .deps/kafka: run script/bootstrap --checks first")
        url = f"tcp://{self.address}"
        self.process = subprocess.Popen(
            [KAFKA / "tansu", "broker", "--listener-url", url, "--advertised-listener-url", url,
             "--storage-engine", "memory://tansu/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for topic in TOPICS:
            create = [KAFKA / "tansu", "topic", "create", "--broker", url, "--partitions", str(self.partitions), topic]
            wait_for("the broker", lambda: subprocess.run(create, capture_output=True).returncode == 0)
        return self

    def __exit__(self, *failure) -> None:
        self.process.kill()
        self.process.wait()


class Postgres:
    """Not durable: the machine itself does not fail."""

    def __enter__(self) -> "Postgres":
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not found:
            raise ProgramFailed("there is no PostgreSQL server: script/bootstrap --checks installs it")
        self.binaries = found[-1].parent
        self.folder = tempfile.TemporaryDirectory(prefix="focus-pg-")
        self.data, self.port = Path(self.folder.name) / "data", free_port()
        # PostgreSQL refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            subprocess.run(["chown", self.user, self.folder.name], check=True)
        self.call("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        return self

    def __exit__(self, *failure) -> None:
        self.kill()
        self.folder.cleanup()

    def start(self) -> None:
        self.server = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.data, "-k", self.folder.name, "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
            user=self.user, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        ready = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_for("PostgreSQL", lambda: subprocess.run(ready).returncode == 0)

    def kill(self) -> None:
        """All its processes at once."""
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
        for process in [self.server.pid, *map(int, children)]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.server.wait()

    def new_database(self, name: str) -> str:
        """Its URL."""
        self.call("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", name)
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}?connect_timeout=5"

    def call(self, program: str, *arguments) -> None:
        done = subprocess.run([self.binaries / program, *map(str, arguments)], user=self.user, cwd="/",
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise ProgramFailed(f"{program}: {done.stderr}")
