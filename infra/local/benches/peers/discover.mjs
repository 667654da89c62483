// What discovery does, as one would write it with Microsoft's Graph client and the AWS SDK: reads the enabled users of
// a tenant and keeps them in a table; writes only what differs from what is there. Prints what it did and used.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { BatchWriteCommand, DynamoDBDocumentClient, paginateQuery } from "@aws-sdk/lib-dynamodb";
import { Client, HTTPMessageHandler, RetryHandler, RetryHandlerOptions } from "@microsoft/microsoft-graph-client";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";

const FIELDS =
  "id,displayName,mail,userPrincipalName,userType,usageLocation,accountEnabled," +
  "onPremisesSyncEnabled,assignedLicenses,assignedPlans";
const PHONE_SYSTEM = new Set([
  "4828c8ec-dc2e-4779-b502-87ac9ce28ab7",
  "db23fce2-a974-42ef-9002-d78dd42a0f22",
  "ed777b71-af04-42ca-9798-84344c66f7c6",
]);
const RESOURCE = new Set(["f47330e9-c134-43b3-9993-e7f004506889", "0628a73f-3b4a-4989-bd7b-0f8823144313"]);
const CREDITS = new Set(["505e180f-f7e0-4b65-91d4-00d670bbd18c"]);
const CALLING_PLANS = new Set([
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
]);
const WRITERS = 16;

const { GRAPH, TOKEN, DYNAMODB, TABLE, PARTITION } = process.env;

// The client's own handler gives a token to https only.
class Bearer {
  async execute(context) {
    context.options.headers = { ...context.options.headers, Authorization: `Bearer ${TOKEN}` };
    await this.next.execute(context);
  }

  setNext(next) {
    this.next = next;
  }
}

const [bearer, retry, send] = [new Bearer(), new RetryHandler(new RetryHandlerOptions()), new HTTPMessageHandler()];
bearer.setNext(retry);
retry.setNext(send);
const graph = Client.initWithMiddleware({ middleware: bearer, baseUrl: `${GRAPH}/`, defaultVersion: "v1.0" });
const table = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    region: "eu-west-1",
    endpoint: DYNAMODB,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, noDelay: true, maxSockets: WRITERS }) }),
  }),
);

async function* pages() {
  let page = await graph
    .api("/users")
    .header("ConsistencyLevel", "eventual")
    .select(FIELDS)
    .filter("accountEnabled eq true")
    .count(true)
    .top(999)
    .get();
  for (;;) {
    yield page.value;
    const next = page["@odata.nextLink"];
    if (!next) return;
    // It takes whole addresses of https only.
    page = await graph.api(next.slice(`${GRAPH}/v1.0`.length)).header("ConsistencyLevel", "eventual").get();
  }
}

function item(user) {
  let [phone, calling, credits, resource, since] = [false, false, false, false, undefined];
  for (const plan of user.assignedPlans ?? []) {
    if (plan.capabilityStatus !== "Enabled" && plan.capabilityStatus !== "Warning") continue;
    const id = plan.servicePlanId;
    if (PHONE_SYSTEM.has(id)) {
      phone = true;
      const assigned = plan.assignedDateTime;
      if (assigned && (!since || assigned < since)) since = assigned;
    } else if (CALLING_PLANS.has(id)) calling = true;
    else if (CREDITS.has(id)) credits = true;
    else if (RESOURCE.has(id)) resource = true;
  }
  const guest = user.userType === "Guest";
  const bits = [guest, user.assignedLicenses?.length > 0, phone, calling, credits, resource, user.onPremisesSyncEnabled];
  const fits = phone && !(guest || resource || calling || credits);
  const kept = {
    pk: PARTITION + user.id[0],
    sk: (fits ? "USER#" : "EXCLUDED#") + user.id,
    id: user.id,
    name: user.displayName || user.userPrincipalName,
    email: user.mail || user.userPrincipalName,
    traits: bits.reduce((sum, bit, at) => sum | (bit ? 1 << at : 0), 0),
    generation: 1,
  };
  if (user.usageLocation) kept.country = user.usageLocation.toUpperCase();
  if (since) kept.phone_since = since;
  return kept;
}

async function known() {
  const found = new Map();
  await Promise.all(
    [..."0123456789abcdef"].map(async (part) => {
      const query = {
        TableName: TABLE,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": PARTITION + part },
        ConsistentRead: true,
      };
      for await (const page of paginateQuery({ client: table }, query)) {
        for (const one of page.Items) found.set(one.sk, one);
      }
    }),
  );
  return found;
}

function same(a, b) {
  if (!a) return false;
  const names = Object.keys(b);
  return Object.keys(a).length === names.length && names.every((name) => a[name] === b[name]);
}

async function write(requests) {
  let left = { [TABLE]: requests };
  while (Object.keys(left).length > 0) {
    const answer = await table.send(new BatchWriteCommand({ RequestItems: left }));
    left = answer.UnprocessedItems ?? {};
  }
}

const before = await known();
const under_way = new Set();
let waiting = [];

async function add(request) {
  waiting.push(request);
  if (waiting.length === 25) await flush();
}

async function flush() {
  if (waiting.length === 0) return;
  const one = write(waiting).finally(() => under_way.delete(one));
  waiting = [];
  under_way.add(one);
  if (under_way.size >= WRITERS) await Promise.race(under_way);
}

let [written, unchanged] = [0, 0];
for await (const page of pages()) {
  for (const user of page) {
    const one = item(user);
    const was = before.get(one.sk);
    before.delete(one.sk);
    if (same(was, one)) unchanged += 1;
    else {
      written += 1;
      await add({ PutRequest: { Item: one } });
    }
  }
}
for (const { pk, sk } of before.values()) await add({ DeleteRequest: { Key: { pk, sk } } });
await flush();
await Promise.all(under_way);

const used = process.resourceUsage();
const cpuSeconds = (used.userCPUTime + used.systemCPUTime) / 1e6;
// `maxRSS` will not do: a child inherits the peak of the process that started it.
const peakKib = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
console.log(JSON.stringify({ written, unchanged, cpuSeconds, peakKib }));
process.exit(0);
