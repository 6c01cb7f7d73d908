// What a program does with a WebSocket: node client.mjs URL [ws|builtin]. Exits 0 when all of it went well; prints JSON.
import { createHash, randomBytes } from 'node:crypto'
import { HttpsProxyAgent } from 'https-proxy-agent'
import Socket from 'ws'

const [url, kind = 'ws'] = process.argv.slice(2)
const open = kind === 'ws'
  ? () => new Socket(url, ['chat', 'other'], { agent: new HttpsProxyAgent(process.env.HTTPS_PROXY) })
  : () => new WebSocket(url, ['chat', 'other'])  // Node's own, which reads HTTPS_PROXY
const socket = open()
socket.binaryType = 'arraybuffer'
const received = []
let wake = () => {}
socket.addEventListener('message', ({ data }) => { received.push(data); wake() })
const next = async () => {
  while (received.length === 0) await new Promise((resolve) => { wake = resolve })
  return received.shift()
}
const closed = new Promise((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
socket.addEventListener('error', ({ message }) => { console.log(JSON.stringify({ error: message })); process.exit(3) })
socket.addEventListener('unexpected-response', () => process.exit(4))

const welcome = await next()  // sent by the server right behind its 101
socket.send('{"op": "headers"}')
const names = JSON.parse(await next())
const digest = createHash('sha256'), echoed = createHash('sha256')
for (let i = 0; i < 50; ++i) {
  const data = randomBytes(1 + (i * 7919) % 100_000)
  digest.update(data)
  socket.send(data)
  echoed.update(new Uint8Array(await next()))
}
socket.send('{"op": "close"}')
console.log(JSON.stringify({ welcome, names, protocol: socket.protocol, same: digest.digest('hex') === echoed.digest('hex'), code: await closed }))
process.exit(0)
