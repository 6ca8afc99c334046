"""What a running process takes, from Linux's /proc."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    seconds: float  # since the watching began
    anonymous: int  # bytes of memory of its own
    resident: int  # bytes, with the pages of mapped model files that are in memory
    descriptors: int
    threads: int
    answers: int  # so far
    refused: int  # so far: jobs and questions without an answer

    @property
    def words(self) -> str:
        return (f"{self.seconds / 60:.1f} min: {self.anonymous / 2**20:.1f} MiB of its own,"
                f" {self.resident / 2**20:.1f} MiB resident, {self.descriptors} descriptors, {self.threads} threads,"
                f" {self.answers} answers, {self.refused} refused")


def take_sample(process: int, seconds: float, answers: int, refused: int) -> Sample:
    folder = Path("/proc") / str(process)
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return Sample(seconds, kibibytes(status["RssAnon"]), kibibytes(status["VmRSS"]),
                  len(list((folder / "fd").iterdir())), int(status["Threads"]), answers, refused)


def kibibytes(field: str) -> int:
    return int(field.split()[0]) * 1024
