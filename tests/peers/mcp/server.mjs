// An API in the manner of an MCP server: a protected resource that publishes RFC 9728 metadata and challenges whoever comes
// without a token. Prints one JSON line {port, url} when it listens on 127.0.0.1.
//   node server.mjs --issuer URL --userinfo URL [--challenge-only] [--no-metadata]
// POST /mcp answers a JSON-RPC ping when the authorization server's userinfo endpoint knows the bearer token.
//   --challenge-only   nothing at the well-known places; only the 401 names the metadata
//   --no-metadata      no metadata anywhere
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: { issuer: { type: 'string' }, userinfo: { type: 'string' }, 'challenge-only': { type: 'boolean' }, 'no-metadata': { type: 'boolean' } },
})
const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${server.address().port}`
const place = options['challenge-only'] ? '/somewhere/else.json' : '/.well-known/oauth-protected-resource/mcp'

function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

server.on('request', async (request, response) => {
  if (request.url === place && !options['no-metadata']) {
    json(response, 200, {
      resource: `${origin}/mcp`, resource_name: 'Acme Tools', authorization_servers: [options.issuer],
      scopes_supported: ['openid', 'offline_access', 'read'], bearer_methods_supported: ['header'],
    })
    return
  }
  if (request.url !== '/mcp') { json(response, 404, {}); return }
  const authorization = request.headers.authorization ?? ''
  const who = /^Bearer ./.test(authorization) ? await fetch(options.userinfo, { headers: { authorization } }) : null
  if (!who?.ok) {
    const more = options['no-metadata'] ? '' : ` resource_metadata="${origin}${place}"`
    json(response, 401, { error: 'unauthorized' }, { 'www-authenticate': `Bearer${more}` })
    return
  }
  json(response, 200, { jsonrpc: '2.0', id: 1, result: { sub: (await who.json()).sub } })
})
process.on('SIGTERM', () => process.exit(0))
console.log(JSON.stringify({ port: server.address().port, url: `${origin}/mcp` }))
