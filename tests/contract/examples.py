"""What the story sent and was accepted: examples for whoever tries the same routes with other values."""

import json
import re


class Examples:
    """Accepted requests, the newest last."""

    def __init__(self):
        self.accepted = []

    def keep(self, response):
        """For the client: called with every answer."""
        if response.is_success:
            self.accepted.append(response.request)

    def added_to(self, description, versions):
        """The description with an example for each body that was accepted, and for each version."""
        description = json.loads(json.dumps(description))
        for path, operations in description["paths"].items():
            fits = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
            for method, operation in operations.items():
                for one in operation.get("parameters", []):
                    if one["name"] == "If-Match" and path in versions:
                        one["example"] = versions[path]
                for media in operation.get("requestBody", {}).get("content", {}).values():
                    for request in self.accepted:
                        if request.method == method.upper() and fits.fullmatch(request.url.path):
                            media["example"] = json.loads(request.content)
        return description


def versions(world, known, token, description):
    """The current `ETag` by path, for every path that is written with `If-Match`."""
    found = {}
    ids = {"enterprise": known.enterprises[0], "reseller": known.reseller, "webhook": known.webhooks[0]}
    for path, operations in description["paths"].items():
        parameters = [one["name"] for operation in operations.values() for one in operation.get("parameters", [])]
        url = re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], name[0]), path)
        if "If-Match" in parameters and "get" in operations and "{" not in url:
            answer = world.http.get(world.api + url, headers={"authorization": f"Bearer {token}"})
            if "etag" in answer.headers:
                found[path] = answer.headers["etag"]
    return found
