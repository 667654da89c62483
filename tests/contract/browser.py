"""A browser without scripts: follows redirects, keeps cookies by origin, submits forms; and the ways people go with it."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx
from world import Wrong

REDIRECTS = 10


class Page:
    """What is on the screen."""

    def __init__(self, url, html):
        self.url = url
        self.html = html

    def says(self, text):
        return text in unescape(self.html)

    def form(self, part):
        """The first form whose action contains `part`: its address and its hidden fields."""
        for form in re.findall(r"<form.*?</form>", self.html, re.DOTALL):
            action = _attribute(form, "action")
            if action and part in action:
                inputs = re.findall(r"<input[^>]*>", form)
                hidden = [one for one in inputs if _attribute(one, "type") == "hidden"]
                return action, {_attribute(one, "name"): _attribute(one, "value") or "" for one in hidden}
        raise Wrong(f"{self.url} has no form for {part}: {self.html}")


def _attribute(tag, name):
    found = re.search(rf'\b{name}=(?:"([^"]*)"|([^\s>]*))', tag)
    return found and unescape(found[1] if found[1] is not None else found[2])


class Browser:
    """One person's browser."""

    def __init__(self):
        self.http = httpx.Client(timeout=60, follow_redirects=False)
        # The service's cookies are for TLS or loopback, which no cookie jar knows.
        self.cookies = {}

    def open(self, url):
        return self._go("GET", url, None)

    def submit(self, page, to, **fields):
        """Presses the button of the form whose action contains `to`."""
        target, hidden = page.form(to)
        return self._go("POST", urljoin(page.url, target), hidden | fields)

    def sent_to(self, url):
        """The header `Cookie` for an address."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies[urlsplit(url).netloc].items())

    def _go(self, method, url, form):
        for _ in range(REDIRECTS):
            jar = self.cookies.setdefault(urlsplit(url).netloc, {})
            headers = {"cookie": self.sent_to(url)} if jar else {}
            answer = self.http.request(method, url, data=form, headers=headers)
            self.http.cookies.clear()
            for cookie in answer.headers.get_list("set-cookie"):
                name, _, value = cookie.split(";")[0].partition("=")
                jar[name.strip()] = value.strip()
            if not answer.has_redirect_location:
                return Page(url, answer.text)
            method, url, form = "GET", urljoin(url, answer.headers["location"]), None
        raise Wrong(f"too many redirects, the last to {url}")


def _at_microsoft(browser, page, account):
    """Picks the account, and on the consent page, where there is one, ticks the box and accepts."""
    page = browser.submit(page, "/oauth2/v2.0/authorize", account=account)
    if page.says("Permissions requested"):
        page = browser.submit(page, "/oauth2/v2.0/authorize", action="accept", consent_on_behalf="true")
    return page


def activate(link):
    """The way of a reseller's owner from the activation mail to an active account."""
    browser = Browser()
    page = browser.submit(browser.open(link), "/activate/")
    if not page.says("The account is active"):
        raise Wrong(f"the activation ended on {page.url}: {page.html}")


def enter(link, code, admin):
    """From the invitation through the first consent; the browser, and the page that asks about the tenant."""
    browser = Browser()
    page = browser.submit(browser.open(link), "/i/", code=code)
    return browser, _at_microsoft(browser, page, admin)


def set_up(link, code, admin):
    """The way of a Global Admin from the invitation to a complete set-up."""
    browser, page = enter(link, code, admin)
    page = browser.submit(page, "/setup/tenant", decision="confirm")
    page = browser.submit(page, "/setup/consent")
    page = _at_microsoft(browser, page, admin)
    if not page.says("set up"):
        raise Wrong(f"the set-up ended on {page.url}: {page.html}")


def sign_in(link, admin):
    """The sign-in that a run waits for."""
    browser = Browser()
    page = browser.submit(browser.open(link), "/sync/")
    page = _at_microsoft(browser, page, admin)
    if not page.says("The sync has begun"):
        raise Wrong(f"the sign-in ended on {page.url}: {page.html}")
