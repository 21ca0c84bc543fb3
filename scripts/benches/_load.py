"""Load over HTTP by wrk, a Debian package: requests from a file, one after the other, the latencies as it saw them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import orjson
from _report import tell

SCRIPT = r"""
local requests, at = {}, 0
local plain = {["content-type"] = "application/json"}
for line in io.lines(os.getenv("REQUESTS")) do requests[#requests + 1] = line end
function init(args)
  local seed = tonumber(os.getenv("SEED"))
  math.randomseed(seed)
  if seed > 0 then at = math.random(#requests) end
end
function request()
  at = at % #requests + 1
  local path, token, body = requests[at]:match("^([^\t]*)\t([^\t]*)\t(.*)$")
  if path == nil then return wrk.format("POST", nil, plain, requests[at]) end
  return wrk.format("PATCH", path, {["content-type"] = "application/json", ["authorization"] = "Token " .. token}, body)
end
function done(summary, latency, rates)
  local e = summary.errors
  io.write(string.format('\nDONE {"requests": %d, "us": %d, "p50": %d, "p99": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class Load(NamedTuple):
    """Requests a second, latencies in milliseconds, and what went wrong."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int


def installed() -> bool:
    """Whether wrk is there; installs it where that is allowed."""
    if not shutil.which("wrk") and shutil.which("apt-get") and os.geteuid() == 0:
        tell("installing wrk (once) ...")
        subprocess.run(["apt-get", "-qq", "update"], stdout=subprocess.DEVNULL, check=False)
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "wrk"]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return shutil.which("wrk") is not None


def run(url: str, bodies: Path, *, connections: int, seconds: float, seed: int = 1) -> Load:
    """So many connections, each asking again as soon as it is answered; from the file's beginning with seed 0."""
    script = bodies.with_suffix(".lua")
    script.write_text(SCRIPT)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(script), url]
    environment = {**os.environ, "REQUESTS": str(bodies), "SEED": str(seed)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    figures = json.loads(said.rpartition("DONE ")[2])
    seconds_taken = figures["us"] / 1e6
    return Load(figures["requests"] / seconds_taken, figures["p50"] / 1e3, figures["p99"] / 1e3, figures["errors"])


def write_lines(file: Path, lines: list[str]) -> Path:
    """Requests that are not POSTs of a body to one path: path, token and body of a PATCH, with tabs between."""
    file.write_text("\n".join(lines) + "\n")
    return file


def write_bodies(file: Path, bodies: list[object]) -> Path:
    """A JSON document a line."""
    file.write_bytes(b"".join(orjson.dumps(body) + b"\n" for body in bodies))
    return file
