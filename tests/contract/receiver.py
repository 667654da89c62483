"""A reseller's server: takes what webhooks bring and checks each signature after Standard Webhooks, with nothing of ours."""

import base64
import hmac
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Receiver:
    """Listens on loopback until the program ends."""

    def __init__(self):
        receiver = self
        self.arrived, self.condition = [], threading.Condition()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.end_headers()
                with receiver.condition:
                    receiver.arrived.append((dict(self.headers), body))
                    receiver.condition.notify_all()

            def log_message(self, *_):
                """Says nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/hook"

    def wait(self, fits, seconds=60):
        """The first request that fits, once it has arrived; nothing where it does not."""
        found = lambda: next((one for one in self.arrived if fits(*one)), None)
        with self.condition:
            self.condition.wait_for(found, seconds)
            return found()


def signed(headers, body, secret):
    """Whether the request is signed with this secret."""
    headers = {name.lower(): value for name, value in headers.items()}
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return any(hmac.compare_digest(one, expected) for one in headers["webhook-signature"].split())
