// A real WebSocket server over TLS (npm ws). Prints one JSON line {port} when it listens on 127.0.0.1.
//   node server.mjs --cert FILE --key FILE --key-header NAME --key-sha256 HEX
// A handshake without the key is answered 401. It echoes every message; {"op": "headers"} is answered with the names of the
// handshake's header fields, {"op": "close"} by closing with 4001.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { parseArgs } from 'node:util'
import { WebSocketServer } from 'ws'

const { values: options } = parseArgs({ options: { cert: { type: 'string' }, key: { type: 'string' }, 'key-header': { type: 'string' }, 'key-sha256': { type: 'string' } } })
const sha256 = (data) => createHash('sha256').update(data).digest('hex')
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true, handleProtocols: (offered) => (offered.has('chat') ? 'chat' : false) })
const server = createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) }, (_, response) => { response.writeHead(426); response.end() })

server.on('upgrade', (request, socket, head) => {
  const key = request.headers[options['key-header'].toLowerCase()]
  if (key === undefined || sha256(key) !== options['key-sha256']) {
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    return
  }
  sockets.handleUpgrade(request, socket, head, (connection) => {
    connection.send('welcome')
    connection.on('message', (data, binary) => {
      if (!binary && data.toString() === '{"op": "headers"}') connection.send(JSON.stringify(request.rawHeaders.filter((_, i) => i % 2 === 0)))
      else if (!binary && data.toString() === '{"op": "close"}') connection.close(4001, 'as you say')
      else connection.send(data, { binary })
    })
  })
})
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
