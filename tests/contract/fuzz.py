"""Schemathesis against the running service: every route of the description, as several roles, with ids that exist.

No server error, and nothing that the description does not say: status, content type, headers, body. What violates the
description is refused, and so is a call without a token or a required header.
"""

import json
import subprocess
import sys
from collections import Counter, defaultdict

from world import ROLES, Wrong

EXAMPLES = 12
# How often a parameter gets a value that exists.
EXISTING = 0.9

CHECKS = {
    # A schema cannot say everything, such as which mode a kind of run needs: sound data may be refused.
    "positive_data_acceptance": {"enabled": False},
    "missing_required_header": {"expected-statuses": [401, 404, 428]},
    "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 422, 428]},
}


def fuzz(world, known, description, folder):
    folder.mkdir(parents=True, exist_ok=True)
    failed, statuses = [], defaultdict(Counter)
    for role in ROLES:
        config, report = folder / f"{role}.toml", folder / f"{role}.ndjson"
        token = world.token(role, **person(role, known))
        config.write_text(toml(configuration(world, known, token)))
        program = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", description]
        options = ["--report", "ndjson", "--report-ndjson-path", report, "--no-color"]
        done = subprocess.run([*program, *options], check=False, stdout=subprocess.PIPE, text=True)
        print(f"schemathesis as {role}: {done.stdout.strip().splitlines()[-1].strip('= ')}")
        if done.returncode != 0:
            print(done.stdout)
            failed.append(role)
        count(report, statuses)
    for operation, seen in sorted(statuses.items()):
        print(f"  {operation:70}", *(f"{status}:{times}" for status, times in sorted(seen.items())))
    if failed:
        raise Wrong(f"the API and its description differ, as seen by {', '.join(failed)}")
    closed = [operation for operation, seen in statuses.items() if not any(status < 400 for status in seen)]
    if closed:
        raise Wrong(f"nobody got through to {', '.join(closed)}; give ids that exist")


def person(role, known):
    """Somebody of a role who may see what is known."""
    email = known.admin if role == "global_admin" else f"{role}@contract.example"
    whose = {"email": email}
    if role.startswith("reseller"):
        whose["reseller"] = known.reseller
    elif not role.startswith("provider"):
        whose["enterprise"] = known.enterprises[0]
    return whose


def configuration(world, known, token):
    """What exists is found by the names of parameters, so new routes need nothing here."""
    existing = {
        "enterprise": known.enterprises,
        "reseller": [known.reseller],
        "run": known.runs,
        "plan": known.plans,
        "invitation": known.invitations,
        "link": known.links,
        "header.If-Match": [f'"{version}"' for version in range(1, 10)],
        "body.code": known.codes,
        "body.adminEmail": [known.admin],
        "body.sbcRegions[*]": ["Europe"],
        "body.timeZone": ["Europe/Brussels"],
        "body.rows[*].voiceUser": known.voice_users,
        "body.rows[*].teamsUser": known.teams_users,
    }
    dictionaries = {f"known-{number}": {"values": values} for number, values in enumerate(existing.values())}
    bound = [{"dictionary": name, "probability": EXISTING} for name in dictionaries]
    return {
        "base-url": world.api,
        "continue-on-failure": True,
        "max-redirects": 0,
        "warnings": False,
        "headers": {"Authorization": f"Bearer {token}"},
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
        "phases": {"stateful": {"enabled": False}},
        "checks": CHECKS,
        "dictionaries": dictionaries,
        "parameters": dict(zip(existing, bound)),
    }


def toml(table, path=()):
    """A mapping as TOML: its values, which JSON writes in the same way, then its tables."""
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    lines = [f"[{'.'.join(map(json.dumps, path))}]"] if path else []
    lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items() if key not in tables]
    return "\n".join(lines + [toml(value, (*path, key)) for key, value in tables.items()]) + "\n"


def count(report, statuses):
    """Adds the statuses of a report's answers, by operation; other methods than the operation's are left out."""
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for case, interaction in recorder.get("interactions", {}).items():
            method = recorder["cases"][case]["value"]["method"]
            if interaction["response"] and recorder["label"].startswith(f"{method} "):
                statuses[recorder["label"]][interaction["response"]["status_code"]] += 1
