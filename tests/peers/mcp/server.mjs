// An API in the manner of an MCP server: a protected resource that publishes RFC 9728 metadata and challenges whoever comes
// without a token. Prints one JSON line {port, url} when it listens on 127.0.0.1.
//   node server.mjs --issuer URL --userinfo URL [--challenge-only] [--no-metadata]
//   node server.mjs --issuer URL --for-me --port N --cert FILE --key FILE [--record FILE]
// POST /mcp answers a JSON-RPC ping.
//   --userinfo URL     takes the tokens that this endpoint of the authorization server knows
//   --for-me           takes JWTs that the issuer signed and whose `aud` is this resource (RFC 8707, RFC 9068), as MCP demands
//   --port N           instead of a free one; --cert, --key: https
//   --record FILE      appends a JSON line {status, aud, scope} per POST, with --for-me
//   --challenge-only   nothing at the well-known places; only the 401 names the metadata
//   --no-metadata      no metadata anywhere
//   --says URL         the metadata is for this resource, says itself
import { createPublicKey, verify } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    issuer: { type: 'string' }, userinfo: { type: 'string' }, 'for-me': { type: 'boolean' }, port: { type: 'string', default: '0' }, cert: { type: 'string' },
    key: { type: 'string' }, record: { type: 'string' }, 'challenge-only': { type: 'boolean' }, 'no-metadata': { type: 'boolean' }, says: { type: 'string' },
  },
})
const server = options.cert ? https.createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) }) : http.createServer()
await new Promise((resolve) => server.listen(Number(options.port), '127.0.0.1', resolve))
const origin = `${options.cert ? 'https' : 'http'}://127.0.0.1:${server.address().port}`
const place = options['challenge-only'] ? '/somewhere/else.json' : '/.well-known/oauth-protected-resource/mcp'

function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

const part = (text) => JSON.parse(Buffer.from(text, 'base64url'))

// The claims of a token that the issuer signed and that still lives, whoever it is for.
async function claimsOf(token) {
  const [head, body, signature] = token.split('.')
  if (!signature) return null
  const { jwks_uri: place } = await (await fetch(`${options.issuer}/.well-known/openid-configuration`)).json()
  const { keys } = await (await fetch(place)).json()
  const jwk = keys.find((key) => key.kid === part(head).kid)
  const signed = jwk && part(head).alg === 'RS256' && verify('RSA-SHA256', Buffer.from(`${head}.${body}`), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'))
  const claims = signed ? part(body) : null
  return claims && claims.iss === options.issuer && claims.exp * 1000 > Date.now() ? claims : null
}

async function whoAsks(authorization) {
  if (!/^Bearer ./.test(authorization)) return null
  if (!options['for-me']) {
    const answer = await fetch(options.userinfo, { headers: { authorization } })
    return answer.ok ? await answer.json() : null
  }
  const claims = await claimsOf(authorization.slice('Bearer '.length))
  const welcome = claims && [claims.aud].flat().includes(`${origin}/mcp`)
  if (options.record) appendFileSync(options.record, JSON.stringify({ status: welcome ? 200 : 401, aud: claims?.aud, scope: claims?.scope }) + '\n')
  return welcome ? claims : null
}

server.on('request', async (request, response) => {
  if (request.url === place && !options['no-metadata']) {
    json(response, 200, {
      resource: options.says ?? `${origin}/mcp`, resource_name: 'Acme Tools', authorization_servers: [options.issuer],
      scopes_supported: ['openid', 'offline_access', 'read'], bearer_methods_supported: ['header'],
    })
    return
  }
  if (request.url !== '/mcp') { json(response, 404, {}); return }
  const who = await whoAsks(request.headers.authorization ?? '')
  if (!who) {
    const more = options['no-metadata'] ? '' : ` resource_metadata="${origin}${place}"`
    json(response, 401, { error: 'unauthorized' }, { 'www-authenticate': `Bearer${more}` })
    return
  }
  json(response, 200, { jsonrpc: '2.0', id: 1, result: { sub: who.sub } })
})
process.on('SIGTERM', () => process.exit(0))
console.log(JSON.stringify({ port: server.address().port, url: `${origin}/mcp` }))
