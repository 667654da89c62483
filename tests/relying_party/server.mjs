// An OpenID provider that others wrote (npm `oidc-provider`), with Entra's paths, claims and key documents. It starts
// the command in its arguments, tells it by one JSON argument more where everything is, and ends with it.
//
// Entra's authorize and token endpoints are below /{tenant}/oauth2/v2.0, its discovery is below /{tenant}/v2.0; a
// provider of its own answers for each tenant, because each is an issuer of its own. `organizations` takes people of
// any tenant; here only the first tenant has people who come that way, so that provider issues in its name.

import Provider from 'oidc-provider';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const scopes = ['openid', 'profile', 'offline_access', 'User.Read', 'https://graph.microsoft.com/.default'];
const tenants = [randomUUID(), randomUUID()];
const application = {
  clientId: randomUUID(),
  clientSecret: randomBytes(24).toString('base64url'),
};
const people = tenants.map((tid, at) => ({
  account: `admin${at}@bluefinch.example`, tid, oid: randomUUID(), name: `Mara Quist ${at}`,
}));
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signingKey = { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: randomBytes(20).toString('base64url') };

// Each provider keeps what it issued to itself.
function adapter() {
  const kept = new Map();
  return class {
    constructor(model) { this.model = model; }
    key(id) { return `${this.model}:${id}`; }
    async upsert(id, payload) { kept.set(this.key(id), payload); }
    async find(id) { return kept.get(this.key(id)); }
    async findByUid(uid) { return [...kept.values()].find((one) => one.uid === uid && one.kind === this.model); }
    async consume(id) { kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
    async destroy(id) { kept.delete(this.key(id)); }
    async revokeByGrantId(grantId) {
      for (const [key, one] of kept) if (one.grantId === grantId) kept.delete(key);
    }
  };
}

function provider(base, tid, redirectUri) {
  const made = new Provider(`${base}/${tid}/v2.0`, {
    adapter: adapter(),
    clients: [{
      client_id: application.clientId,
      client_secret: application.clientSecret,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
    }],
    jwks: { keys: [signingKey] },
    cookies: { keys: [randomBytes(24).toString('hex')] },
    scopes,
    claims: { openid: ['sub', 'ver', 'nbf'], profile: ['tid', 'oid', 'name', 'preferred_username'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { clientCredentials: { enabled: true } },
    routes: {
      authorization: '/oauth2/v2.0/authorize',
      token: '/oauth2/v2.0/token',
      jwks: '/discovery/v2.0/keys',
    },
    ttl: { AccessToken: 3600, ClientCredentials: 3600, IdToken: 3600, RefreshToken: 86400, Grant: 86400,
      Session: 3600, Interaction: 600 },
    async findAccount(_ctx, id) {
      const person = people.find((one) => one.account === id && one.tid === tid);
      return person && {
        accountId: id,
        claims: async () => ({
          sub: id, ver: '2.0', nbf: Math.floor(Date.now() / 1000), tid, oid: person.oid, name: person.name,
          preferred_username: id,
        }),
      };
    },
  });
  // What Entra adds to the standard: whose tokens a key may sign, and one issuer for all in the discovery document.
  const everybody = `${base}/{tenantid}/v2.0`;
  made.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'jwks') {
      ctx.body = { keys: ctx.body.keys.map((key) => ({ ...key, issuer: everybody })) };
    }
    if (ctx.oidc?.route === 'discovery' && ctx.req.tenant === 'organizations') ctx.body.issuer = everybody;
  });
  made.on('server_error', (_ctx, error) => console.error(error));
  return made;
}

const server = createServer((request, response) => {
  const [, tenant] = request.url.split('/');
  const handler = handlers.get(tenant);
  if (!handler) {
    // Where people are sent back to.
    response.writeHead(tenant.startsWith('signin') ? 200 : 404, { 'content-type': 'text/html' }).end('<h1>Back</h1>');
    return;
  }
  const path = request.url.slice(tenant.length + 1).replace(/^\/v2\.0\/\.well-known\//, '/.well-known/');
  request.tenant = tenant;
  request.originalUrl = `/${tenant}${path}`;
  request.url = path;
  handler(request, response);
});
const handlers = new Map();

server.listen(0, '127.0.0.1', () => {
  const base = `http://127.0.0.1:${server.address().port}`;
  const redirectUri = `${base}/signin/callback`;
  for (const tid of tenants) handlers.set(tid, provider(base, tid, redirectUri).callback());
  handlers.set('organizations', provider(base, tenants[0], redirectUri).callback());
  const [command, ...rest] = process.argv.slice(2);
  const about = JSON.stringify({ login: base, redirectUri, ...application, people });
  const child = spawn(command, [...rest, about], { stdio: 'inherit' });
  child.on('error', (error) => { console.error(error.message); process.exit(1); });
  child.on('exit', (code) => process.exit(code ?? 1));
});
