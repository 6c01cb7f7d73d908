// A client that offers HTTP/2 alone: METHOD URL [FILE] [--authority HOST]. Prints what came back.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import tls from 'node:tls'
const [method, text, ...more] = process.argv.slice(2)
const url = new URL(text), proxy = new URL(process.env.HTTPS_PROXY)
const authority = more[0] === '--authority' ? more[1] : url.host
const file = more[0] && more[0] !== '--authority' ? more[0] : null
const socket = await new Promise((resolve, reject) => {
  const port = url.port || 443
  http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: `${url.hostname}:${port}`,
    headers: { 'proxy-authorization': 'Basic ' + Buffer.from(proxy.username + ':' + proxy.password).toString('base64') } })
    .on('connect', (response, raw) => response.statusCode === 200 ? resolve(raw) : reject(new Error(`CONNECT ${response.statusCode}`))).on('error', reject).end()
})
const session = http2.connect(url.origin, { createConnection: () => tls.connect({ socket, servername: url.hostname, ALPNProtocols: ['h2'] }) })
const stream = session.request({ ':method': method, ':path': url.pathname + url.search, ':authority': authority }, { endStream: !file })
if (file) createReadStream(file).on('error', () => {}).pipe(stream)
const answer = { bytes: 0, text: '' }
const hash = createHash('sha256')
stream.on('response', (headers) => { answer.status = headers[':status']; answer.headers = { ...headers } })
stream.on('headers', (headers) => { answer.interim = [...(answer.interim ?? []), { ...headers }] })
stream.on('trailers', (headers) => { answer.trailers = { ...headers } })
stream.on('data', (data) => { answer.bytes += data.length; hash.update(data); if (answer.text.length < 10000) answer.text += data })
stream.on('error', (error) => { answer.error = String(error) })
stream.on('close', () => { answer.sha256 = hash.digest('hex'); console.log(JSON.stringify(answer)); session.destroy(); process.exit(0) })
