"""SIGTERM ends training after the step that it is at, with everything saved."""

import multiprocessing
import signal

_asked: list[int] = []


def stop_when_asked() -> None:
    """From now on; the processes that this one started are asked too."""
    signal.signal(signal.SIGTERM, _ask)


def is_asked_to_stop() -> bool:
    return bool(_asked)


def _ask(number: int, frame) -> None:
    _asked.append(number)
    for process in multiprocessing.active_children():
        process.terminate()
