"""Schemathesis against the running service: every route of the description, as several roles, with ids that exist.

No server error, and nothing that the description does not say: status, content type, headers, body. What violates the
description is refused, and so is a call without a token or a required header.
"""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from examples import versions
from world import ROLES, Wrong

EXAMPLES = 6
# How often a parameter gets a value that exists.
EXISTING = 0.9

CHECKS = {
    # A schema cannot say everything, such as which mode a kind of run needs: sound data may be refused.
    "positive_data_acceptance": {"enabled": False},
    "missing_required_header": {"expected-statuses": [401, 404, 428]},
    "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 422, 428]},
}

# A page shows itself again to whoever sends a form that nobody can make sense of.
PAGES = [{"include-tag": "pages", "checks": {"negative_data_rejection": {"enabled": False}}}]


def fuzz(world, known, examples, description, folder):
    folder.mkdir(parents=True, exist_ok=True)
    description = json.loads(description.read_text())
    failed, statuses = [], defaultdict(Counter)
    for role in ROLES:
        config, tried, report = folder / f"{role}.toml", folder / f"{role}.json", folder / f"{role}.ndjson"
        token = world.token(role, **person(role, known))
        current = versions(world, known, token, description)
        config.write_text("\n".join(toml(configuration(world, known, current, token))))
        tried.write_text(json.dumps(examples.added_to(description, current)))
        program = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", tried]
        options = ["--report", "ndjson", "--report-ndjson-path", report, "--no-color"]
        # The same folder is searched for the hook.
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        done = subprocess.run([*program, *options], check=False, stdout=subprocess.PIPE, text=True, env=environment)
        print(f"schemathesis as {role}: {done.stdout.strip().splitlines()[-1].strip('= ')}")
        if done.returncode != 0:
            print(done.stdout)
            failed.append(role)
        count(report, statuses)
    for operation, seen in sorted(statuses.items()):
        print(f"  {operation:70}", *(f"{status}:{times}" for status, times in sorted(seen.items())))
    if failed:
        raise Wrong(f"the API and its description differ, as seen by {', '.join(failed)}")
    unreached = [operation for operation, seen in statuses.items() if set(seen) <= {401, 404, 405}]
    if unreached:
        raise Wrong(f"nobody got as far as {', '.join(unreached)}: give ids that exist")


def person(role, known):
    """Somebody of a role who may see what is known."""
    email = known.admin if role == "global_admin" else f"{role}@contract.example"
    whose = {"email": email}
    if role.startswith("reseller"):
        whose["reseller"] = known.reseller
    elif not role.startswith("provider"):
        whose["enterprise"] = known.enterprises[0]
    return whose


def configuration(world, known, current, token):
    """What exists is found by the names of parameters, so new routes need nothing here."""
    existing = {
        "enterprise": known.enterprises,
        "reseller": [known.reseller],
        "run": known.runs,
        "plan": known.plans,
        "voiceUser": known.voice_users,
        "invitation": known.invitations,
        "link": known.links,
        "token": known.tokens,
        "path.voiceUser": known.voice_users,
        "path.who": known.teams_users,
        "path.task": known.tasks,
        "path.suppression": known.suppressions,
        "path.code": ["AADSTS50105", "GA_NOT_ADMIN"],
        "header.If-Match": sorted(current.values()) or ['"1"'],
        "body.code": known.codes,
        "body.adminEmail": [known.admin],
        "body.sbcRegions[*]": ["Europe"],
        "body.timeZone": ["Europe/Brussels"],
        "body.plan": known.plans,
        "body.rows[*].voiceUser": known.voice_users,
        "body.voiceUsers[*]": known.voice_users,
        "body.rows[*].teamsUser": known.teams_users,
    }
    dictionaries = {f"known-{number}": {"values": values} for number, values in enumerate(existing.values())}
    bound = [{"dictionary": name, "probability": EXISTING} for name in dictionaries]
    return {
        "base-url": world.api,
        "hooks": "fresh_keys",
        "continue-on-failure": True,
        "max-redirects": 0,
        "warnings": False,
        "cache": {"enabled": False},
        "headers": {"Authorization": f"Bearer {token}", "Cookie": known.cookie},
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
        "phases": {"stateful": {"enabled": False}, "coverage": {"unexpected-methods": ["PATCH", "TRACE"]}},
        "checks": CHECKS,
        "operations": PAGES,
        "dictionaries": dictionaries,
        "parameters": dict(zip(existing, bound)),
    }


def toml(table, path=""):
    """The lines of a TOML table: its values, which JSON writes in the same way, then the tables in it."""
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    lists = {key: value for key, value in table.items() if isinstance(value, list) and value and isinstance(value[0], dict)}
    lines = [f"{json.dumps(key)} = {json.dumps(table[key])}" for key in table if key not in tables | lists]
    for key, value in tables.items():
        name = path + json.dumps(key)
        lines += [f"[{name}]", *toml(value, f"{name}.")]
    for key, values in lists.items():
        name = path + json.dumps(key)
        for value in values:
            lines += [f"[[{name}]]", *toml(value, f"{name}.")]
    return lines


def count(report, statuses):
    """Adds the statuses of a report's answers, by operation; other methods than the operation's are left out."""
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for case, interaction in recorder.get("interactions", {}).items():
            method = recorder["cases"][case]["value"]["method"]
            if interaction["response"] and recorder["label"].startswith(f"{method} "):
                statuses[recorder["label"]][interaction["response"]["status_code"]] += 1
