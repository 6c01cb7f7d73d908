// A real HTTPS server for HTTP's finer points. Prints one JSON line {port} when it listens.
//   node protocols.mjs --cert FILE --key FILE --key-header NAME --key-sha256 HEX [--host ADDRESS]
// Every path but /state asks for the key, which it knows by its SHA-256 alone.
//   /sse        an event; each next one only after the client has asked for /heard, which it does when it has read the last
//   /hints      103 with two links, then the answer
//   /upload     PUT: "100 Continue" only for bodies up to ?most=N bytes, else 413; answers {bytes, trailers}
//   /trailers   a chunked answer with the trailer X-Sum
//   /state      {path: requests}, and the bytes of bodies that arrived for /upload
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    cert: { type: 'string' }, key: { type: 'string' }, 'key-header': { type: 'string' }, 'key-sha256': { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
  },
})
const sha256 = (data) => createHash('sha256').update(data).digest('hex')
const state = { uploaded: 0 }
let heard = () => {}

function json(response, status, body, headers = {}) {
  const text = JSON.stringify(body) + '\n'
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers })
  response.end(text)
}

function allowed(request) {
  const key = request.headers[options['key-header'].toLowerCase()]
  return key !== undefined && sha256(key) === options['key-sha256']
}

async function sse(response, count) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let i = 0; i < count; ++i) {
    const next = new Promise((resolve) => { heard = resolve })
    response.write(`id: ${i}\ndata: event ${i}\n\n`)
    await next
  }
  response.end()
}

async function upload(request, response) {
  for await (const piece of request) state.uploaded += piece.length
  json(response, 200, { bytes: state.uploaded, trailers: request.rawTrailers, names: request.rawHeaders.filter((_, i) => i % 2 === 0) })
}

async function answer(request, response) {
  const url = new URL(request.url, 'https://localhost')
  state[url.pathname] = (state[url.pathname] ?? 0) + 1
  if (url.pathname === '/state') return json(response, 200, state)
  if (!allowed(request)) return json(response, 401, { error: 'no valid credential' })
  if (url.pathname === '/sse') return sse(response, Number(url.searchParams.get('n') ?? 3))
  if (url.pathname === '/heard') { heard(); return json(response, 200, {}) }
  if (url.pathname === '/hints') {
    response.writeEarlyHints({ link: ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script'] })
    return json(response, 200, { hinted: true })
  }
  if (url.pathname === '/upload') return upload(request, response)
  if (url.pathname === '/trailers') {
    response.writeHead(200, { 'content-type': 'text/plain', trailer: 'X-Sum' })
    response.write('the body')
    response.addTrailers({ 'X-Sum': sha256('the body') })
    return response.end()
  }
  json(response, 404, { error: 'no such path' })
}

const server = createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) }, (request, response) => {
  answer(request, response).catch((error) => { console.error(error); response.destroy() })
})
server.on('checkContinue', (request, response) => {
  const most = Number(new URL(request.url, 'https://localhost').searchParams.get('most') ?? Infinity)
  if (!allowed(request)) return json(response, 401, { error: 'no valid credential' }, { connection: 'close' })
  if (Number(request.headers['content-length'] ?? 0) > most) return json(response, 413, { error: 'too large' }, { connection: 'close' })
  response.writeContinue()
  server.emit('request', request, response)
})
server.listen(0, options.host, () => console.log(JSON.stringify({ port: server.address().port })))
