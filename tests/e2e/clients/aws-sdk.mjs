import https from 'node:https'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
const { API, ID } = process.env
const check = (holds, what) => { if (!holds) throw new Error(what) }
// The keys that the SDK signs with are the placeholders of the session, the region the user's own. The agent that it makes for
// itself reads no proxy; Node's own does (NODE_USE_ENV_PROXY). "direct": as it is, where the session leads every connection.
const requestHandler = process.argv[2] === 'direct' ? {} : { httpsAgent: https.globalAgent }
const client = new S3Client({ region: 'eu-central-1', endpoint: API, forcePathStyle: true, maxAttempts: 1, requestHandler })
const get = async (Bucket, Key) => (await client.send(new GetObjectCommand({ Bucket, Key }))).Body
check((await (await get('bucket', 'whoami')).transformToString()).includes('key-holder'), 'no credential')
let text = ''
for await (const piece of await get('held', ID)) {
  text += piece
  if (text === 'data: first\n\n') await (await get('release', ID)).transformToString()
}
check(text.includes('data: last'), text)
process.exit(7)
