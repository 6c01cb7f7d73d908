// gRPC by its JavaScript, which reads grpc_proxy and GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.
import grpc from '@grpc/grpc-js'
const same = (bytes) => bytes
const method = (name, more = {}) => ({ path: `/acme.Echo/${name}`, requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same, ...more })
const Client = grpc.makeGenericClientConstructor({ say: method('Say'), count: method('Count', { responseStream: true }), fail: method('Fail') }, 'Echo')
const client = new Client(process.env.TARGET, grpc.credentials.createSsl())
const said = await new Promise((resolve, reject) => client.say(Buffer.from('hello'), (error, value) => error ? reject(error) : resolve(value)))
if (said.toString() !== 'hello') throw new Error(said)
const counted = await new Promise((resolve, reject) => {
  const all = []
  client.count(Buffer.from('3')).on('data', (one) => all.push(one.toString())).on('end', () => resolve(all.join())).on('error', reject)
})
if (counted !== '0,1,2') throw new Error(counted)
const failed = await new Promise((resolve) => client.fail(Buffer.from(''), (error) => resolve(error)))
if (failed.code !== grpc.status.FAILED_PRECONDITION || failed.metadata.get('why')[0] !== 'a reason') throw new Error(failed)
process.exit(7)
