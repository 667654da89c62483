"""What discovery does, as one would write it with requests and boto3: reads the enabled users of a tenant and keeps
them in a table; writes only what differs from what is there. Prints what it did and used."""

import json
import os
import resource
from concurrent.futures import ThreadPoolExecutor

import boto3
import requests
from botocore.config import Config

FIELDS = (
    "id,displayName,mail,userPrincipalName,userType,usageLocation,accountEnabled,"
    "onPremisesSyncEnabled,assignedLicenses,assignedPlans"
)
PHONE_SYSTEM = {
    "4828c8ec-dc2e-4779-b502-87ac9ce28ab7",
    "db23fce2-a974-42ef-9002-d78dd42a0f22",
    "ed777b71-af04-42ca-9798-84344c66f7c6",
}
RESOURCE = {"f47330e9-c134-43b3-9993-e7f004506889", "0628a73f-3b4a-4989-bd7b-0f8823144313"}
CREDITS = {"505e180f-f7e0-4b65-91d4-00d670bbd18c"}
CALLING_PLANS = {
    "4ed3ff63-69d7-4fb7-b984-5aec7f605ca8",
    "3c8a8792-7866-409b-bb61-1b20ace0368b",
    "5a10155d-f5c1-411a-a8ec-e99aae125390",
    "6b340437-d6f9-4dc5-8cc2-99163f7f83d6",
    "54a152dc-90de-4996-93d2-bc47e670fc06",
    "1346d5e6-15a6-4b88-9693-806ff7296a7a",
    "346d83bf-6fe6-42ca-b424-b9300d2e21bf",
    "16935b20-87c0-4908-934a-22aa267d0d26",
    "156a1efe-17cd-4b03-9f17-2eb512298fb3",
    "7861360b-dc3b-4eba-a3fc-0d323a035746",
}
WRITERS = 4

partition = os.environ["PARTITION"]
connection = dict(
    region_name="eu-west-1",
    endpoint_url=os.environ["DYNAMODB"],
    aws_access_key_id="local",
    aws_secret_access_key="local",
    config=Config(max_pool_connections=WRITERS, tcp_keepalive=True, parameter_validation=False),
)


def table():
    """A resource for one thread: they must not be shared."""
    return boto3.session.Session().resource("dynamodb", **connection).Table(os.environ["TABLE"])


def pages():
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
    session.headers["ConsistencyLevel"] = "eventual"
    url = f"{os.environ['GRAPH']}/v1.0/users"
    params = {"$select": FIELDS, "$filter": "accountEnabled eq true", "$count": "true", "$top": "999"}
    while url:
        answer = session.get(url, params=params, timeout=60)
        answer.raise_for_status()
        page = answer.json()
        yield page["value"]
        url, params = page.get("@odata.nextLink"), None


def item(user):
    active = {"phone": False, "calling": False, "credits": False, "resource": False}
    since = None
    for plan in user.get("assignedPlans") or ():
        if plan["capabilityStatus"] not in ("Enabled", "Warning"):
            continue
        plan_id = plan["servicePlanId"]
        if plan_id in PHONE_SYSTEM:
            active["phone"] = True
            assigned = plan.get("assignedDateTime")
            if assigned and (since is None or assigned < since):
                since = assigned
        elif plan_id in CALLING_PLANS:
            active["calling"] = True
        elif plan_id in CREDITS:
            active["credits"] = True
        elif plan_id in RESOURCE:
            active["resource"] = True
    guest = user.get("userType") == "Guest"
    traits = (
        guest
        | bool(user.get("assignedLicenses")) << 1
        | active["phone"] << 2
        | active["calling"] << 3
        | active["credits"] << 4
        | active["resource"] << 5
        | bool(user.get("onPremisesSyncEnabled")) << 6
    )
    fits = active["phone"] and not (guest or active["resource"] or active["calling"] or active["credits"])
    kept = {
        "pk": partition + user["id"][0],
        "sk": ("USER#" if fits else "EXCLUDED#") + user["id"],
        "id": user["id"],
        "name": user.get("displayName") or user["userPrincipalName"],
        "email": user.get("mail") or user["userPrincipalName"],
        "traits": int(traits),
        "generation": 1,
    }
    if user.get("usageLocation"):
        kept["country"] = user["usageLocation"].upper()
    if since:
        kept["phone_since"] = since
    return kept


def known():
    found = {}
    users = table()
    for part in "0123456789abcdef":
        query = dict(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": partition + part},
            ConsistentRead=True,
        )
        while True:
            answer = users.query(**query)
            for one in answer["Items"]:
                found[(one["pk"], one["sk"])] = one
            if "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def write(puts, deletes=()):
    with table().batch_writer() as batch:
        for one in puts:
            batch.put_item(Item=one)
        for pk, sk in deletes:
            batch.delete_item(Key={"pk": pk, "sk": sk})


def peak_kib():
    """`ru_maxrss` will not do: a child inherits the peak of the process that started it."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main():
    before = known()
    written = unchanged = 0
    with ThreadPoolExecutor(WRITERS) as pool:
        pending = []
        for page in pages():
            changed = []
            for user in page:
                one = item(user)
                if before.pop((one["pk"], one["sk"]), None) == one:
                    unchanged += 1
                else:
                    changed.append(one)
            written += len(changed)
            if changed:
                pending.append(pool.submit(write, changed))
        if before:
            pending.append(pool.submit(write, [], list(before)))
        for one in pending:
            one.result()
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "written": written,
                "unchanged": unchanged,
                "cpuSeconds": used.ru_utime + used.ru_stime,
                "peakKib": peak_kib(),
            }
        )
    )


main()
