import fetch from 'node-fetch'
const { API, ID } = process.env
const check = (holds, what) => { if (!holds) throw new Error(what) }
check((await (await fetch(`${API}/whoami`)).json()).sub === 'key-holder', 'no credential')
let text = ''
for await (const piece of (await fetch(`${API}/held?id=${ID}`)).body) {
  text += piece
  if (text === 'data: first\n\n') await (await fetch(`${API}/release?id=${ID}`)).text()
}
check(text.includes('data: last'), text)
process.exit(7)
