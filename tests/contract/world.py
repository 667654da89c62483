"""The running local service and what a test may do with it: tokens, the clock, the mailbox, the simulated Microsoft."""

import json
import os
import re
import subprocess
from contextlib import contextmanager

import httpx

# Who changes most comes last.
ROLES = (
    "reseller_viewer",
    "account_manager",
    "account_admin",
    "global_admin",
    "provider_support",
    "reseller_admin",
    "provider_admin",
)


class Wrong(Exception):
    """Something is not as it should be."""


def check(what, holds, seen):
    """Ends the story where something does not hold."""
    if not holds:
        raise Wrong(f"not as it should be: {what}. Seen: {seen!r}")


class World:
    """The service's addresses, and the people around it."""

    def __init__(self, urls):
        self.api = urls["api"].rstrip("/")
        self.portal = urls["portal"].rstrip("/")
        self.http = httpx.Client(timeout=60)

    def token(self, role, email, reseller=None, enterprise=None):
        """A token that starts now and lasts an hour of the world's time."""
        person = {"sub": f"{role}:{email}", "email": email, "name": email, "role": role}
        person |= {name: value for name, value in (("reseller", reseller), ("enterprise", enterprise)) if value}
        return self._done(self.http.post(f"{self.portal}/token", json=person)).json()["access_token"]

    def advance(self, seconds):
        """Moves the clock; whatever falls due has happened when this returns."""
        moved = self.http.post(f"{self.portal}/clock", data={"seconds": seconds})
        check("the clock moves", moved.status_code == 303, moved.text)

    def tenants(self):
        """The tenants of the simulated Microsoft."""
        return self._done(self.http.get(f"{self.portal}/_microsoft/tenants")).json()

    def clear_on_premises(self, tenant):
        """What the customer's IT does before numbers can be assigned online."""
        url = f"{self.portal}/_microsoft/tenants/{tenant}/numbers"
        for number in self._done(self.http.get(url)).json():
            if number["onPremises"]:
                self._done(self.http.post(url, json={"number": number["telephoneNumber"], "deleted": True}))

    def invitation(self, address):
        """Code and link of the newest invitation to an address."""
        mails = self._done(self.http.get(f"{self.portal}/mailbox/mails", params={"to": address})).json()
        for mail in sorted(mails, key=lambda mail: -mail["number"]):
            link = re.search(r"\S+/i/\S+", mail["text"] or "")
            code = re.search(r"\b[A-Z0-9]{5}-[A-Z0-9]{5}\b", mail["text"] or "")
            if link and code:
                return code[0], link[0]
        raise Wrong(f"there is no invitation to {address} in the mailbox")

    @staticmethod
    def _done(answer):
        check(f"{answer.request.url} answers", answer.is_success, answer.text)
        return answer


@contextmanager
def running(program):
    """Starts the program on free ports; yields its world once everything answers, and ends it."""
    addresses, written = os.pipe()
    command = [program, "--any-port", "--addresses", f"/dev/fd/{written}"]
    with subprocess.Popen(command, pass_fds=[written], stdout=subprocess.DEVNULL) as process:
        try:
            os.close(written)
            with os.fdopen(addresses) as lines:
                # A program that ends before it has written closes the pipe: the line is empty.
                line = lines.readline()
            check("the local service starts", line, process.args)
            yield World(json.loads(line))
            check("the local service is still there", process.poll() is None, process.returncode)
        finally:
            process.terminate()
