"""One invocation: `bootstrap.py HANDLER EVENT_JSON`, as moto calls it; the last line printed is the function's answer.

AWS's runtime client (awslambdaric) asks a Runtime API for the event and posts the answer there; this is that API.
"""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import uuid

HANDLER, EVENT = sys.argv[1], sys.argv[2]
TIMEOUT = float(os.environ.get("AWS_LAMBDA_FUNCTION_TIMEOUT", "3"))
ADDRESS = ("127.0.0.1", 9001)
answered = threading.Event()
answer = {"body": "", "error": True}


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """GET .../next gives the event (once), POST .../response or .../error takes the answer."""

    protocol_version = "HTTP/1.1"
    given = False

    def log_message(self, *_):
        pass

    def do_GET(self):
        if RuntimeApi.given:
            time.sleep(3600)  # there is no second event; this process ends long before
        RuntimeApi.given = True
        name, region = os.environ.get("AWS_LAMBDA_FUNCTION_NAME"), os.environ.get("AWS_REGION")
        self.reply(200, EVENT.encode(), {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIMEOUT) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{region}:123456789012:function:{name}",
        })  # fmt: skip

    def do_POST(self):
        answer["body"] = self.body().decode()
        answer["error"] = self.path.endswith("/error")
        self.reply(202, b"{}", {})
        answered.set()

    def body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while length := int(self.rfile.readline().strip() or b"0", 16):  # chunked
            body += self.rfile.read(length)
            self.rfile.readline()
        return body

    def reply(self, code, body, headers):
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def runtime():
    """Start AWS's runtime client. moto sets AWS_REGION only, which boto3 does not read."""
    own = {
        "AWS_LAMBDA_RUNTIME_API": ":".join(map(str, ADDRESS)),
        "AWS_DEFAULT_REGION": os.environ.get("AWS_REGION", "us-east-1"),
        "LAMBDA_TASK_ROOT": "/var/task",
        "PYTHONPATH": "/var/task:/opt/python",
    }
    return subprocess.Popen([sys.executable, "-m", "awslambdaric", HANDLER], env={**os.environ, **own}, cwd="/var/task")


def failure(message):
    answer.update(body=json.dumps({"errorMessage": message}), error=True)


def main():
    server = http.server.ThreadingHTTPServer(ADDRESS, RuntimeApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    process, end = runtime(), time.monotonic() + TIMEOUT + 1
    while not answered.wait(0.05):
        if time.monotonic() > end:
            failure(f"Task timed out after {TIMEOUT:.2f} seconds")
            break
        if process.poll() is not None and not answered.is_set():
            failure(f"Runtime exited with {process.returncode}")
            break
    process.kill()
    process.wait()
    print(answer["body"], flush=True)
    os._exit(1 if answer["error"] else 0)


main()
