"""The bootstrap behind a Lambda Runtime API of its own: one function, one process, no deployment, a clock of its own.

For what needs many functions at the same time, each with its own environment, log and time. Loopback only. Must never
outlive its `with`, never lend the function the caller's environment, and never let it see how busy the machine is.
<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
"""

import dataclasses
import http.server
import json
import queue
import threading
import time
import uuid

from . import cloudwatch
from .emulator import ACCOUNT, HANGS, REGION, LabError, Process, clean_environment
from .preload import Clock
from .stack import BOOTSTRAP


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A function that is stopped cuts its connection: nothing to tell."""


@dataclasses.dataclass(frozen=True)
class Local:
    """A local stand-in for Lambda: the ARN it gives every function, the form of its API's address, the deadline if it is no real one."""

    arn: str
    api: str = "127.0.0.1:{}"
    deadline_ms: int | None = None


CARGO_LAMBDA = Local("function-arn", "http://127.0.0.1:{}/.rt/bootstrap", 600_000)
SAM = Local("arn:aws:lambda:us-east-1:012345678912:function:GuardFunction")


class Function:
    """A running function; `name` must be unique in `directory`, which gets its log."""

    def __init__(self, name: str, directory, environment: dict, seconds: float = 60, bootstrap=BOOTSTRAP, local=None):
        self.name, self.seconds = name, seconds
        self.clock = Clock(directory, name)
        self.arn = local.arn if local else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        self.deadline_ms = local.deadline_ms if local else None
        self.refused = queue.Queue()
        self._events, self._answers = queue.Queue(), queue.Queue()
        self._server = Server(("127.0.0.1", 0), self._api())
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        told = {
            "AWS_LAMBDA_RUNTIME_API": (local.api if local else "127.0.0.1:{}").format(self._server.server_port),
            "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "one", "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none",
        }
        self.process = Process(name, [str(bootstrap)], clean_environment() | told | environment | self.clock.environment, directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._events.put(None)
        self.process.stop()
        self._server.shutdown()
        self._server.server_close()

    def _api(self):
        function = self

        class Api(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                event = function._events.get()
                if event is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", function.arn)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(function.deadline_ms or int((function.clock.time() + function.seconds) * 1000)))
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path.endswith("/init/error"):
                    function.refused.put(json.loads(body))
                else:
                    function._answers.put((self.path.endswith("/response"), json.loads(body or "null")))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Api

    def invoke(self, event, meanwhile=lambda: None) -> tuple[bool, object, list]:
        """Whether it succeeded, its answer, and the lines that it logged meanwhile. `meanwhile` is called again and again."""
        read = self.process.log.stat().st_size
        self._events.put(json.dumps(event).encode())
        limit = time.monotonic() + HANGS
        while True:
            try:
                succeeded, answer = self._answers.get(timeout=0.02)
                break
            except queue.Empty:
                if time.monotonic() > limit or self.process.child.poll() is not None:
                    raise LabError(f"{self.name} does not answer:\n{self.process.tail()}") from None
                meanwhile()
        with open(self.process.log, "rb") as log:
            log.seek(read)
            lines = [json.loads(line) for line in log.read().decode(errors="replace").splitlines() if line.startswith("{")]
        for line in lines:
            # Raises where CloudWatch would drop the figures.
            cloudwatch.metrics(line)
        return succeeded, answer, lines
