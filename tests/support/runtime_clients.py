"""AWS's own runtime clients, and ours, each as the command that a sandbox starts; and how both went."""

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.cancel import Cancellation
from deploy.local import runtimes
from deploy.local.function import LocalFunction
from deploy.local.sandbox import Sandbox
from deploy.local.worker import Launch
from deploy.output import Report
from deploy.terminal import Console

NODEJS_CLIENT = "aws-lambda-ric@3.3.0"  # the last one for Node.js 20, and one that takes callbacks

Client = Callable[[str], tuple[str, ...]]
"""Returns the command that runs a handler."""

# AWS's client for Node.js speaks HTTP by a native library, which takes a C++ compiler and autotools to build.
# Its JavaScript, all that a handler notices, is used unchanged, above the same calls in JavaScript.
NATIVE_CLIENT = r"""
const { spawnSync } = require('node:child_process')
const http = require('node:http')
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`
const POST = `
  const chunks = []
  process.stdin.on('data', chunk => chunks.push(chunk)).on('end', async () => {
    await fetch(process.argv[1], { method: 'POST', body: Buffer.concat(chunks) })
  })`
const post = (path, input) => spawnSync(process.execPath, ['-e', POST, api + path], { input: input || '' })
require('node:module')._extensions['.node'] = module => {
  module.exports = {
    initializeClient () {},
    done: (id, body) => post(`${id}/response`, body),
    error: (id, body) => post(`${id}/error`, body),
    next: () => new Promise((resolve, reject) => http.get(`${api}next`, { agent: false }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk)).on('end', () => {
        resolve({ bodyJson: Buffer.concat(chunks).toString(), headers: response.headers })
      })
    }).on('error', reject))
  }
}
"""

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OF_LAMBDA = (
    "START RequestId:",
    "END RequestId:",
    "REPORT RequestId:",
    "Executing '",
    "[WARNING]\tTIME\t\tLAMBDA_WARNING",
)
# Frames of what calls the handler, in AWS's client and in ours.
AS_HANDLER = re.compile(r"(?:\bRuntime\.)?(\b[\w.]+) \[as handler\]")
OF_CLIENTS = re.compile(r"aws-lambda-ric|nodejs_client\.mjs|node:internal|lambdadeploy|native_client")


@dataclass(frozen=True)
class Outcome:
    """What an invocation answered and logged, without what differs from one run to the next."""

    answer: Any
    error: str
    log: list[str]


def fetch_nodejs_client(folder: Path) -> None:
    """Fetch AWS's client for Node.js from npm into a folder."""
    folder.mkdir(parents=True)
    subprocess.run(["npm", "pack", "--silent", NODEJS_CLIENT], cwd=folder, check=True, stdout=subprocess.PIPE)
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(fileobj=io.BytesIO(packed.read_bytes())) as archive:
        archive.extractall(folder, filter="data")
    (folder / "package").rename(folder / "aws-lambda-ric")
    (folder / "aws-lambda-ric/dist/rapid-client.node").touch()
    (folder / "native_client.cjs").write_text(NATIVE_CLIENT)


def nodejs_client(folder: Path) -> Client:
    """Return AWS's client for Node.js that was fetched into a folder."""
    program = (
        "node",
        "--require",
        str(folder / "native_client.cjs"),
        str(folder / "aws-lambda-ric/bin/index.mjs"),
    )
    return lambda handler: (*program, handler)


def our_client(language: str, task_root: Path, scratch: Path) -> Client:
    """Return our client for a language, which finds the handler in its environment."""
    report = Report(Console(io.StringIO(), io.StringIO()))
    command = runtimes.command(language, "", task_root, scratch, report)
    return lambda _handler: command


def run(
    client: Client,
    task_root: Path,
    handler: str,
    *payloads: object,
    variables: Mapping[str, str] | None = None,
    timeout: int = 10,
    client_context: str = "",
) -> list[Outcome]:
    """Invoke a handler once with each payload, in one sandbox."""
    function = LocalFunction(
        "f", runtime="python3.13", handler=handler, timeout=timeout, variables=variables or {}
    )
    process = function.process_variables(task_root, runtimes.search_path())
    process["AWS_LAMBDA_LOG_STREAM_NAME"] = "stream"
    launch = Launch(client(handler), task_root, process)
    with closing(Sandbox(launch, function, Cancellation())) as sandbox:
        invocations = [sandbox.invoke(json.dumps(payload).encode(), client_context) for payload in payloads]
    return [Outcome(_answer(each.payload), each.error, _log(each.log)) for each in invocations]


def _answer(text: str) -> Any:
    try:
        content = json.loads(_same(text))
    except ValueError:
        return _same(text)
    if isinstance(content, dict) and isinstance(trace := content.get("trace"), list):
        lines = content["errorMessage"].split("\n")  # with what required a module in vain
        content["errorMessage"] = [line for line in lines if not OF_CLIENTS.search(line)]
        content["trace"] = [line for line in trace if not OF_CLIENTS.search(line)]
    return content


def _log(text: str) -> list[str]:
    lines = [_without_frames(_same(line)) for line in re.split(r"[\r\n]+", text) if line]
    return [line for line in lines if not line.startswith(OF_LAMBDA) and not OF_CLIENTS.search(line)]


def _without_frames(line: str) -> str:
    """Return a line of the log without the frames of a client in a list of frames."""
    return re.sub(r',"    at [^"]*(?:' + OF_CLIENTS.pattern + r')[^"]*"', "", line)


def _same(text: str) -> str:
    return AS_HANDLER.sub(r"\1", TIME.sub("TIME", ID.sub("ID", text)))
