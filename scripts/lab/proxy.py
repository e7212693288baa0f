"""A company's proxy: takes CONNECT, opens the TLS with certificates of its own CA, and hands each request to the emulator.

Nothing leaves the machine: whatever host is asked for, the answer comes from the emulator or from `answers`. Needs openssl.
"""

import http.client
import http.server
import pathlib
import shutil
import socketserver
import ssl
import subprocess
import threading
import urllib.parse

HOSTS = ["*.eu-central-1.amazonaws.com", "*.s3.eu-central-1.amazonaws.com", "*.sso.eu-central-1.amazonaws.com", "darwin.v7labs.com"]


def possible() -> bool:
    return shutil.which("openssl") is not None


def certificates(directory: pathlib.Path) -> tuple:
    """A CA's certificate, and the chain with its key for `HOSTS`."""
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    names = ",".join(f"DNS:{host}" for host in HOSTS)
    (directory / "leaf.ext").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Acme CA",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=acme proxy")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "leaf.ext", "-out", "leaf.pem")
    return directory / "ca.pem", directory / "leaf.pem", directory / "leaf.key"


class Proxy(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """`answers` maps a host to a function of the path and the headers, which gives status, headers and body."""

    daemon_threads = True

    def __init__(self, upstream: str, chain: pathlib.Path, key: pathlib.Path, answers: dict | None = None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.answers = answers or {}
        self.asked = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = None

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.host = self.path.rsplit(":", 1)[0]
        self.server.asked.append(self.host)
        self.send_response(200, "Connection established")
        self.end_headers()
        try:
            self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.answers.get(self.host)
        if answer:
            status, headers, text = answer(self.path, self.headers)
        else:
            connection = http.client.HTTPConnection(self.server.upstream)
            # Buckets by path, as the emulator has them.
            bucket = self.host.split(".s3.")[0] if ".s3." in self.host else None
            path = f"/{bucket}{self.path}" if bucket else self.path
            sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, path, body, sent)
            reply = connection.getresponse()
            status, text = reply.status, reply.read()
            headers = {name: value for name, value in reply.getheaders() if name.lower() not in ("transfer-encoding", "content-length", "connection")}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass
