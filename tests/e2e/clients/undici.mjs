import { request } from 'undici'
const { API, ID } = process.env
const check = (holds, what) => { if (!holds) throw new Error(what) }
check((await (await request(`${API}/whoami`)).body.json()).sub === 'key-holder', 'no credential')
let text = ''
for await (const piece of (await request(`${API}/held?id=${ID}`)).body) {
  text += piece
  if (text === 'data: first\n\n') await (await request(`${API}/release?id=${ID}`)).body.dump()
}
check(text.includes('data: last'), text)
process.exit(7)
