"""How figures are told: a Markdown table for people, JSON for programs, and the machine they come from."""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from . import options as bench_options
from . import programs

QUIET_LOAD = 0.3  # of one core; above, timings mean little


def machine(options: argparse.Namespace) -> dict:
    """Ask before measuring: the load is to be that of others."""
    files = [bench_options.language_file(options), bench_options.vision_file(options)]
    return machine_alone(options) | {"threads": options.threads,
                                     "model": {file.name: file.stat().st_size for file in files}}


def machine_alone(options: argparse.Namespace) -> dict:
    """Where no model is."""
    load = os.getloadavg()[0]
    if load > QUIET_LOAD:
        print(f"The machine's load is {load:.1f}: what else runs there changes the figures.", file=sys.stderr)
    return {"cpu": cpu(), "cores": os.cpu_count(), "threads": os.cpu_count(), "load_before": load,
            "system": platform.platform(), "commit": commit(), "model": {}}


def cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit() -> str | None:
    """Of this checkout, with a + where files are changed; None outside of one."""
    try:
        named = subprocess.run(["git", "describe", "--always", "--dirty=+", "--exclude=*"], cwd=programs.ROOT,
                               check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return named.stdout.strip()


def table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 1 else f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def publish(options: argparse.Namespace, machine: dict, figures: dict, text: str) -> str:
    """Prints the report, writes the JSON if asked for, and returns what it printed."""
    whole = f"{heading(machine, options.command)}\n\n{text}"
    print(whole)
    if options.json:
        settings = {name: value for name, value in vars(options).items() if name not in {"run", "parser", "command"}}
        document = {"command": options.command, "machine": machine, "settings": settings, **figures}
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False, default=str) + "\n")
    return whole


def heading(machine: dict, command: str) -> str:
    model = " + ".join(f"{name} ({size / 2**20:.0f} MiB)" for name, size in machine["model"].items()) or "none"
    return (f"`script/bench {command}`: {machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, load"
            f" {machine['load_before']:.1f} before, commit {machine['commit'] or 'unknown'}. Model: {model}.")
