// A real authorization server for tests: oidc-provider on a free loopback port. Prints one JSON line when it listens.
// Switches: README.md.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { importJWK, jwtVerify } from 'jose'
import Provider, { errors } from 'oidc-provider'

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    account: { type: 'string', default: 'alice' },
    clients: { type: 'string' },
    'access-ttl': { type: 'string', default: '3600' },
    'grant-only': { type: 'string' },
    deny: { type: 'boolean', default: false },
    'no-registration': { type: 'boolean', default: false },
    'pkce-optional': { type: 'boolean', default: false },
    'no-iss': { type: 'boolean', default: false },
    'device-ttl': { type: 'string', default: '600' },
    resource: { type: 'string' },
    'token-audience': { type: 'string' },
    'no-rotation': { type: 'boolean', default: false },
    'require-par': { type: 'boolean', default: false },
    'dpop-nonce': { type: 'boolean', default: false },
    record: { type: 'string' },
    'down-file': { type: 'string' },
    'service-accounts': { type: 'string' },
  },
})

const server = createServer()
await new Promise((resolve) => server.listen(Number(options.port), '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`

function signingKeys() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'one' }] }
}

// One resource server beside userinfo; its tokens are JWTs that say for whom they are.
function getResourceServerInfo(ctx, indicator) {
  if (indicator !== options.resource) throw new errors.InvalidTarget()
  return { scope: 'api:read api:write', audience: options['token-audience'] ?? indicator, accessTokenFormat: 'jwt', accessTokenTTL: Number(options['access-ttl']) }
}

const provider = new Provider(issuer, {
  clients: options.clients ? JSON.parse(readFileSync(options.clients, 'utf8')) : [],
  jwks: signingKeys(),
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['openid', 'offline_access', 'email', 'read', 'write'],
  claims: { openid: ['sub'], email: ['email'] },
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
  pkce: { required: () => !options['pkce-optional'] },
  rotateRefreshToken: !options['no-rotation'],
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, email: `${id}@example.test` }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: Number(options['access-ttl']), AuthorizationCode: 60, Grant: 86_400, IdToken: 3600,
    Interaction: 3600, RefreshToken: 86_400, Session: 3600, DeviceCode: Number(options['device-ttl']),
    ClientCredentials: Number(options['access-ttl']),
  },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: !options['no-registration'], initialAccessToken: false },
    registrationManagement: { enabled: !options['no-registration'] },
    revocation: { enabled: true },
    introspection: { enabled: true },
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: { enabled: Boolean(options.resource), getResourceServerInfo },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: options['require-par'] },
    dPoP: { enabled: true, nonceSecret: options['dpop-nonce'] ? randomBytes(32) : undefined, requireNonce: () => options['dpop-nonce'] },
  },
})

// The grants of service accounts, which oidc-provider leaves to whoever runs it. What is wrong is said, for tests to read.
const refusal = (words) => new errors.CustomOIDCProviderError('invalid_grant', words)

async function giveToken(ctx, accountId, scope, more = {}) {
  const { client } = ctx.oidc
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  grant.addOIDCScope(scope)
  const token = new provider.AccessToken({ accountId, client, scope, grantId: await grant.save(), gty: 'service', expiresWithSession: false })
  const value = await token.save()
  ctx.body = { access_token: value, token_type: token.tokenType, expires_in: token.expiration, scope, ...more }
}

function allowedScope(ctx, asked, held) {
  const wanted = (asked ?? held).split(' ')
  if (!wanted.every((scope) => held.split(' ').includes(scope))) throw new errors.InvalidScope('more than the grant holds', asked)
  return wanted.join(' ')
}

// RFC 7523 section 2.1 and 3: signed by an account that is known, for this very endpoint, not for long, and only once.
const accounts = options['service-accounts'] ? JSON.parse(readFileSync(options['service-accounts'], 'utf8')) : {}
const spent = new Set()
async function byAssertion(ctx) {
  const { assertion } = ctx.oidc.params
  const key = (header, { payload }) => {
    const account = accounts[JSON.parse(Buffer.from(payload, 'base64url')).iss]
    if (!account) throw refusal('the issuer is not known')
    return importJWK(account, account.alg)
  }
  const { payload } = await jwtVerify(assertion, key, { audience: `${issuer}/token`, requiredClaims: ['iss', 'sub', 'exp', 'iat', 'jti'] })
    .catch((error) => { throw error instanceof errors.OIDCProviderError ? error : refusal(`the assertion is not accepted: ${error.message}`) })
  if (payload.exp - payload.iat > 300) throw refusal('the assertion lives too long')
  if (spent.has(payload.jti)) throw refusal('the assertion was used before')
  spent.add(payload.jti)
  await giveToken(ctx, payload.sub, allowedScope(ctx, payload.scope ?? ctx.oidc.params.scope, 'openid read write'))
}

// RFC 8693: an access token of this server, that still lives, for one of the client that asks and with no more scopes.
async function byExchange(ctx) {
  const { subject_token: subject, subject_token_type: type, requested_token_type: requested, scope, audience } = ctx.oidc.params
  const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
  if (type !== accessToken || (requested && requested !== accessToken)) throw refusal('only access tokens are exchanged')
  const token = await provider.AccessToken.find(subject)
  if (!token || token.isExpired) throw refusal('the subject token does not live')
  await giveToken(ctx, token.accountId, allowedScope(ctx, scope, token.scope), { issued_token_type: accessToken, audience })
}

if (options['service-accounts']) {
  provider.registerGrantType('urn:ietf:params:oauth:grant-type:jwt-bearer', byAssertion, ['assertion', 'scope'])
  provider.registerGrantType('urn:ietf:params:oauth:grant-type:token-exchange', byExchange,
    ['subject_token', 'subject_token_type', 'requested_token_type', 'scope', 'audience'])
}

// Logs in and consents by itself, so that a "browser" which only follows redirects gets through.
async function interact(request, response) {
  const { prompt, params, grantId } = await provider.interactionDetails(request, response)
  if (options.deny) {
    await provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the test said no' })
    return
  }
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: options.account } })
    return
  }
  const grant = grantId ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: options.account, clientId: params.client_id })
  const asked = (params.scope ?? '').split(' ')
  const allowed = options['grant-only'] ? options['grant-only'].split(',') : asked
  for (const scope of asked) allowed.includes(scope) ? grant.addOIDCScope(scope) : grant.rejectOIDCScope(scope)
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

function withoutIssuer(response) {
  const set = response.setHeader.bind(response)
  const strip = (value) => String(value).replace(/&iss=[^&]*/, '')
  response.setHeader = (name, value) => set(name, name.toLowerCase() === 'location' ? strip(value) : value)
}

// What must never happen to a client that keeps its tokens in order.
provider.on('grant.revoked', (ctx) => {
  if (options.record && ctx?.path === '/token') appendFileSync(options.record, 'REUSE of a refresh token or code\n')
})

const handle = provider.callback()
server.on('request', (request, response) => {
  const path = request.url.split('?')[0]
  if (options['no-iss']) withoutIssuer(response)
  if (options.record) response.on('finish', () => appendFileSync(options.record, `${request.method} ${path} ${response.statusCode}\n`))
  if (options['down-file'] && path === '/token' && existsSync(options['down-file'])) return response.writeHead(503).end()
  if (!path.startsWith('/interaction/')) return handle(request, response)
  interact(request, response).catch((error) => {
    response.writeHead(error instanceof errors.SessionNotFound ? 400 : 500).end(String(error.message))
  })
})
process.on('SIGTERM', () => process.exit(0))
console.log(JSON.stringify({
  issuer,
  pid: process.pid,
  port: server.address().port,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: options['no-registration'] ? undefined : `${issuer}/reg`,
  revocation_endpoint: `${issuer}/token/revocation`,
  userinfo_endpoint: `${issuer}/me`,
  pushed_authorization_request_endpoint: `${issuer}/request`,
  device_authorization_endpoint: `${issuer}/device/auth`,
}))
