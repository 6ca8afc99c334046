"""Asks a Prometheus that has scraped a worker's text for all that the dashboard shows."""

import http.server
import json
import math
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from . import names, tools

SCRAPES = 8
PATIENCE = 60


class Worker(http.server.BaseHTTPRequestHandler):
    """Tells the text again and again. Counters rise with each time, so that rates are more than 0."""

    lines = []
    told = 0

    def do_GET(self):
        Worker.told += 1
        body = "".join(self.grown(line) for line in self.lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    @staticmethod
    def grown(line):
        text, rises = line
        if not rises:
            return text + "\n"
        series, _, value = text.rpartition(" ")
        return f"{series} {float(value) * (1 + Worker.told)}\n"

    def log_message(self, *_):
        pass


def read(text):
    """Each line, and whether it is a value that rises."""
    kinds = {}
    lines = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
        name = re.match(r"[\w:]*", line)[0]
        family = re.sub("_(bucket|sum|count)$", "", name)
        rises = kinds.get(name) == "counter" or kinds.get(family) == "histogram"
        lines.append((line, rises and not line.startswith("#")))
    return lines


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def query(base, expression):
    address = f"{base}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None


def wait_for(base):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if Worker.told >= SCRAPES and query(base, "up == 1"):
                return
        except OSError:
            pass
        time.sleep(0.5)
    sys.exit("error: Prometheus has not scraped the text in time; is it in the text format?")


def problems(base):
    for place, expression in names.dashboards():
        expression = expression.replace("$__rate_interval", "10s")
        try:
            result = query(base, expression)
        except ValueError as error:
            yield f"{place}: {error}: {expression}"
            continue
        if not result:
            yield f"{place}: no data: {expression}"
        elif all(math.isnan(float(series["value"][1])) for series in result):
            yield f"{place}: nothing but NaN: {expression}"


def run(file):
    Worker.lines = read(file.read_text())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Worker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = pathlib.Path(folder, "prometheus.yaml")
        settings.write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: focus-worker\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{server.server_port}']}}]\n"
        )
        with pathlib.Path(folder, "log").open("w") as log:
            prometheus = subprocess.Popen(
                [tools.find("prometheus"), f"--config.file={settings}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{port}"],
                stdout=log, stderr=log,
            )
        try:
            wait_for(f"http://127.0.0.1:{port}")
            found = list(problems(f"http://127.0.0.1:{port}"))
        finally:
            prometheus.terminate()
            prometheus.wait()
    count = len(list(names.dashboards()))
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{count - len(found)} of {count} queries of the dashboard return data")
    return 1 if found else 0
