"""`darwin-guard v7`: V7's list of connections, from a local server of its form, against the guarded buckets. Never run against V7."""

import http.server
import json
import threading
import unittest

from setting import ROOT  # noqa: F401
from test_tool import BARE, GOOD, REGION, Tool

KEY = "abc123.secret-of-acme"


def connection(bucket, **said):
    return {
        "name": f"{bucket} of ours", "bucket": bucket, "provider": "aws", "region": REGION, "prefix": "darwin", "readonly": False,
        "default": True,
    } | said


class V7(http.server.ThreadingHTTPServer):
    """Answers what it is told to, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        v7 = self
        self.asked, self.status, self.body, self.headers = [], 200, b"[]", {}

        class Api(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                v7.asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(v7.status)
                for name, value in v7.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(v7.body)))
                self.end_headers()
                self.wfile.write(v7.body)

        super().__init__(("127.0.0.1", 0), Api)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Connections(Tool):
    def setUp(self):
        super().setUp()
        self.v7 = V7()
        threading.Thread(target=self.v7.serve_forever, daemon=True).start()
        self.addCleanup(self.v7.server_close)
        self.addCleanup(self.v7.shutdown)

    def says(self, *connections):
        self.v7.body = json.dumps(connections).encode()

    def asks(self, *arguments, **variables):
        return self.run_tool("v7", "--team", "acme vision/x", *arguments, V7_API_KEY=KEY, V7_ENDPOINT_URL=self.v7.url, **variables)

    def test_where_both_sides_say_the_same_it_is_ok_and_the_key_is_shown_to_v7_alone(self):
        self.says(connection(GOOD))
        done = self.asks(GOOD, "--access", "read-write", "--prefix", "darwin/", "--verbose")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("OK: ", done.stdout)
        self.assertEqual(self.v7.asked, [("/api/teams/acme%20vision%2Fx/storage", f"ApiKey {KEY}")])
        self.assertNotIn(KEY, done.stdout + done.stderr)

    def test_each_difference_is_a_sentence_with_the_options_that_match_v7s_side(self):
        self.says(
            connection(GOOD, region="us-west-2", readonly=True), connection("acme-unguarded", prefix="it's ours"),
            connection("elsewhere", provider="azure"),
        )
        done = self.asks(GOOD, BARE, "--access", "read-write", "--prefix", "darwin/")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for words in (
            f"{GOOD}: V7 has the Region us-west-2, the bucket is in {REGION}", f"{GOOD}: V7 only reads it", "acme-unguarded: V7 has a connection",
            f"{BARE}: it is guarded (read-write), and V7 has no connection", f"darwin-guard audit {GOOD} --access read-only --prefix darwin/",
            "--prefix 'it'\\''s ours/'", "NOT OK: 4 differences",
        ):
            self.assertIn(words, done.stdout)
        self.assertNotIn("elsewhere:", done.stdout)

    def test_as_json_it_has_the_form_that_other_things_rely_on(self):
        self.says(connection(GOOD, prefix=None))
        done = self.asks(GOOD, "--access", "read-write", "--prefix", "darwin/", "--format", "json")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["differences"], [{"bucket": GOOD, "what": "prefix", "v7": None, "guard": "darwin/"}])
        self.assertEqual(answer["connections"][0]["bucket"], GOOD)

    def test_from_a_file_it_asks_nobody_and_without_credentials_it_says_that_regions_are_not_compared(self):
        file = self.directory / "storage.json"
        file.write_text(json.dumps([connection(GOOD, region="us-west-2")]))
        done = self.run_tool(
            "v7", "--storage", file, GOOD, "--access", "read-write", "--prefix", "darwin/", without=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Regions are not compared", done.stderr)
        self.assertEqual(self.v7.asked, [])

    def test_a_name_of_v7s_list_drives_no_terminal(self):
        self.says(connection("acme\x1b]0;owned\x07", name="\x1b[31m\u202ename"))
        done = self.asks()
        self.assertEqual(done.returncode, 1)
        self.assertIn("none counts as guarded", done.stderr)
        self.assertNotIn("\x1b", done.stdout)
        self.assertNotIn("\u202e", done.stdout)

    def test_what_v7_does_not_answer_well_is_a_sentence_and_never_ok(self):
        elsewhere = V7()
        self.addCleanup(elsewhere.server_close)
        for status, body, headers, words in (
            (401, b"{}", {}, "V7 refuses the key"),
            (404, b"{}", {}, "V7 knows no team"),
            (302, b"", {"Location": elsewhere.url}, "a redirect, which is not followed"),
            (500, b"", {}, "answered 500"),
            (200, b"<html>", {}, "no JSON"),
            (200, b'{"error": "x"}', {}, "no list of connections"),
            (200, b'[{"name": "x"}]', {}, "number 1"),
        ):
            with self.subTest(words):
                self.v7.status, self.v7.body, self.v7.headers = status, body, headers
                done = self.asks(GOOD)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(words, done.stderr)
                self.assertNotIn(KEY, done.stdout + done.stderr)
                self.assertNotIn("OK", done.stdout)
        self.assertEqual(elsewhere.asked, [])

    def test_the_key_goes_to_no_other_host(self):
        for url in ("https://example.com", "http://127.0.0.1:80@example.com", "http://127.0.0.1.example.com:80"):
            self.assert_refused("v7", "--team", "acme", words="V7_ENDPOINT_URL is for tests", V7_API_KEY=KEY, V7_ENDPOINT_URL=url)
        self.assert_refused("v7", "--team", "acme", words="no V7_API_KEY")
        self.assert_refused("v7", words="no --team", V7_API_KEY=KEY)


if __name__ == "__main__":
    unittest.main()
