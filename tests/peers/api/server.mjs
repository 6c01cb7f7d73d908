// A small real HTTPS API to call through the proxy. Prints one JSON line {port} when it listens.
//   node server.mjs [--host ADDRESS] [--port N] --cert FILE --key FILE [--userinfo URL] [--key-header NAME --key-sha256 HEX] [--record FILE]
// It never needs the secret itself: a bearer token is checked at the authorization server's userinfo endpoint, an API
// key by its SHA-256. Paths:
//   /whoami      401, or {sub, via, saw: names of the header fields received}
//   /echo        method, path, query, header names and the SHA-256 of the body
//   /headers     the header fields as an array of [name, SHA-256 of value]
//   /stream?n=K  K lines, one every 20 ms, chunked
//   /sse         three server-sent events, then the end
//   /held?id=X   one event; the rest when /release?id=X was asked for, so whoever asks then has read the first before
//                (/held/X, /release/X and /bucket/whoami too: an S3 client asks for /BUCKET/OBJECT)
//   /bytes?n=K   K bytes with a Content-Length
//   /status/NNN  that status;  /redirect  302 to ?to=
//   /early       413 before the body was read
//   /git/*       a bare repository served by git http-backend (when --git DIR)
//   /files/*     a file below --files DIR, or the index.html of a folder
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:https'
import { spawn } from 'node:child_process'
import { extname, join } from 'node:path'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' }, cert: { type: 'string' }, key: { type: 'string' }, userinfo: { type: 'string' }, 'key-header': { type: 'string' },
    'key-sha256': { type: 'string' }, record: { type: 'string' }, git: { type: 'string' }, files: { type: 'string' }, port: { type: 'string', default: '0' },
  },
})
const sha256 = (data) => createHash('sha256').update(data).digest('hex')

async function whoIs(request) {
  const header = options['key-header']
  if (header) {
    const key = request.headers[header.toLowerCase()]
    return key && sha256(key) === options['key-sha256'] ? { sub: 'key-holder', via: header } : null
  }
  const authorization = request.headers.authorization ?? ''
  if (!options.userinfo || !/^Bearer ./.test(authorization)) return null
  const answer = await fetch(options.userinfo, { headers: { authorization } })
  return answer.ok ? { sub: (await answer.json()).sub, via: 'authorization' } : null
}

function json(response, status, body, headers = {}) {
  const text = JSON.stringify(body) + '\n'
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers })
  response.end(text)
}

async function bodyDigest(request) {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of request) { hash.update(chunk); bytes += chunk.length }
  return { bytes, sha256: hash.digest('hex') }
}

// The end of this body is not sent before the client has said that it read its beginning.
const held = new Map()
async function hold(response, id) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: first\n\n')
  const released = await new Promise((resolve) => {
    held.set(id, resolve)
    setTimeout(() => resolve(false), 60_000).unref()
  })
  held.delete(id)
  response.end(released ? 'data: last\n\n' : 'data: never released\n\n')
}

function release(response, id) {
  const go = held.get(id)
  if (go) go(true)
  json(response, go ? 200 : 409, { released: Boolean(go) })
}

function gitBackend(request, response, url, who) {
  const cgi = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH, GIT_PROJECT_ROOT: options.git, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: url.pathname.slice(4),
      QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method, REMOTE_USER: who.sub,
      CONTENT_TYPE: request.headers['content-type'] ?? '', HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
    },
  })
  request.pipe(cgi.stdin)
  let pending = Buffer.alloc(0), sent = false
  cgi.stdout.on('data', (data) => {
    if (sent) return response.write(data)
    pending = Buffer.concat([pending, data])
    const end = pending.indexOf('\r\n\r\n')
    if (end < 0) return
    const headers = {}
    let status = 200
    for (const line of pending.subarray(0, end).toString().split('\r\n')) {
      const [name, ...rest] = line.split(': ')
      if (name === 'Status') status = Number.parseInt(rest[0]); else headers[name] = rest.join(': ')
    }
    response.writeHead(status, headers)
    response.write(pending.subarray(end + 4))
    sent = true
  })
  cgi.on('close', () => response.end())
}

function file(response, path) {
  const found = ['', '/index.html'].map((end) => join(options.files, path + end)).find((name) => statSync(name, { throwIfNoEntry: false })?.isFile())
  if (!found) { json(response, 404, { error: 'not found' }); return }
  const type = { '.html': 'text/html', '.json': 'application/json' }[extname(found)] ?? 'application/octet-stream'
  response.writeHead(200, { 'content-type': type })
  response.end(readFileSync(found))
}

async function answer(request, response) {
  const url = new URL(request.url.replace('/bucket/', '/').replace(/^\/(held|release)\//, '/$1?id='), 'https://localhost')
  const names = request.rawHeaders.filter((_, i) => i % 2 === 0)
  if (options.record) appendFileSync(options.record, JSON.stringify({ method: request.method, url: request.url, names }) + '\n')
  if (url.pathname === '/early') { json(response, 413, { error: 'too large' }, { connection: 'close' }); return }
  if (url.pathname === '/echo') {
    json(response, 200, { method: request.method, path: url.pathname, query: url.search, names, body: await bodyDigest(request) })
    return
  }
  const who = await whoIs(request)
  if (!who) { json(response, 401, { error: 'no valid credential', saw: names }, { 'www-authenticate': 'Bearer' }); return }
  if (url.pathname === '/whoami') { json(response, 200, { ...who, saw: names }) }
  else if (url.pathname === '/held') { await hold(response, url.searchParams.get('id')) }
  else if (url.pathname === '/release') { release(response, url.searchParams.get('id')) }
  else if (url.pathname === '/headers') {
    const pairs = names.map((name, i) => [name, sha256(request.rawHeaders[2 * i + 1])])
    json(response, 200, pairs)
  } else if (url.pathname === '/bytes') {
    const n = Number(url.searchParams.get('n') ?? 1000)
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': n })
    let left = n
    const piece = Buffer.alloc(65536, 'x')
    const more = () => {
      while (left > 0) {
        const size = Math.min(left, piece.length)
        left -= size
        if (!response.write(piece.subarray(0, size))) return response.once('drain', more)
      }
      response.end()
    }
    more()
  } else if (url.pathname === '/stream' || url.pathname === '/sse') {
    const sse = url.pathname === '/sse'
    const n = Number(url.searchParams.get('n') ?? 3)
    response.writeHead(200, { 'content-type': sse ? 'text/event-stream' : 'text/plain' })
    for (let i = 0; i < n; ++i) {
      response.write(sse ? `data: ${Date.now()}\n\n` : `line ${i}\n`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    response.end()
  } else if (url.pathname.startsWith('/status/')) { json(response, Number(url.pathname.slice(8)), { status: url.pathname.slice(8) }) }
  else if (url.pathname === '/redirect') { response.writeHead(302, { location: url.searchParams.get('to') ?? '/', 'content-length': 0 }); response.end() }
  else if (url.pathname.startsWith('/git/') && options.git) { gitBackend(request, response, url, who) }
  else if (url.pathname.startsWith('/files/') && options.files) { file(response, url.pathname.slice(7)) }
  else { json(response, 404, { error: 'not found' }) }
}

const server = createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) }, (request, response) => {
  answer(request, response).catch((error) => { if (!response.headersSent) json(response, 500, { error: String(error) }); else response.destroy() })
})
server.listen(Number(options.port), options.host, () => console.log(JSON.stringify({ port: server.address().port })))
process.on('SIGTERM', () => process.exit(0))
