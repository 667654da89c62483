// The running local service, and what a test may do with it: tokens, the API, the clock, the simulated Microsoft.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from './browser.mjs';

const DONE = ['succeeded', 'failed', 'abandoned', 'awaitingSignIn'];

export class World {
  constructor(urls) {
    this.urls = urls;
    this.hosts = Object.values(urls).map((url) => new URL(url).host);
  }

  async #fetch(base, path, options = {}) {
    const answer = await fetch(new URL(path, base), { redirect: 'manual', ...options });
    const text = await answer.text();
    const body = answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
    return { status: answer.status, etag: answer.headers.get('etag'), body };
  }

  async #portal(path, body, method = body === undefined ? 'GET' : 'POST') {
    const headers = { 'content-type': 'application/json' };
    const answer = await this.#fetch(this.urls.portal, path, { method, headers, body: body && JSON.stringify(body) });
    check(`the portal answers ${path}`, answer.status < 400, answer);
    return answer.body;
  }

  /** The tenants of the simulated Microsoft. */
  tenants() {
    return this.#portal('/_microsoft/tenants');
  }

  /** What goes wrong in the next sign-in at Microsoft. */
  nextSignIn(order) {
    return this.#portal('/_microsoft/next-sign-in', order);
  }

  /** What the customer's IT does before numbers can be assigned online. */
  async clearOnPremises(tenant) {
    const path = `/_microsoft/tenants/${tenant}/numbers`;
    for (const number of await this.#portal(path)) {
      if (number.onPremises) await this.#portal(path, { number: number.telephoneNumber, deleted: true });
    }
  }

  /** Moves the clock; whatever falls due has happened when this returns. */
  async pass(seconds) {
    const moved = await this.#fetch(this.urls.portal, '/clock', { method: 'POST', body: new URLSearchParams({ seconds }) });
    check('the clock moves', moved.status === 303, moved);
  }

  /** The newest mail to an address, as its mailbox has it. */
  async mail(address) {
    const mails = await this.#portal(`/mailbox/mails?to=${encodeURIComponent(address)}`);
    check(`there is mail to ${address}`, mails.length > 0, mails);
    return mails.reduce((newest, mail) => (mail.number > newest.number ? mail : newest));
  }

  /** Whoever calls the API in a role. */
  async caller(role, email, claims = {}) {
    const person = { sub: `${role}:${email}`, email, name: email, role, ...claims };
    const { access_token: token } = await this.#portal('/token', person);
    return async (method, path, body, etag) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() };
      if (etag) headers['if-match'] = etag;
      const answer = await this.#fetch(this.urls.api, path, { method, headers, body: body && JSON.stringify(body) });
      check(`the API takes ${method} ${path}`, answer.status < 300, answer);
      return answer;
    };
  }

  /** The local world's reseller. */
  async reseller() {
    const provider = await this.caller('provider_admin', 'ops@provider.example');
    const { body } = await provider('GET', '/v1/resellers?limit=1');
    return body.items[0].id;
  }

  /** Waits until a run is over or needs a person. */
  async over(api, enterprise, run) {
    for (let turn = 0; turn < 60; turn += 1) {
      const { body } = await api('GET', `/v1/enterprises/${enterprise}/runs/${run}`);
      if (DONE.includes(body.state)) return body.state;
      // Moving the clock returns when everything that was due on the way has been done.
      await this.pass(5);
    }
    return 'never over';
  }
}

/** Starts the program on free ports, gives its world to `story` once everything answers, and ends it. */
export async function withWorld(program, story) {
  const folder = mkdtempSync(join(tmpdir(), 'dialbridge-'));
  const file = join(folder, 'addresses');
  const watching = new AbortController();
  const written = watch(folder, { signal: watching.signal });
  const child = spawn(program, ['--any-port', '--users', '120', '--addresses', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit').finally(() => watching.abort());
  try {
    const urls = await addresses(file, written);
    check('the local service starts', urls !== null, program);
    return await story(new World(urls));
  } finally {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true });
  }
}

/** What the program writes once everything answers; nothing where it ended before. */
async function addresses(file, written) {
  try {
    for await (const _ of written) {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (text.endsWith('\n')) return JSON.parse(text);
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
  return null;
}
