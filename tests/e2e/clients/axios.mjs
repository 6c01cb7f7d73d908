import axios from 'axios'
const { API, ID } = process.env
const check = (holds, what) => { if (!holds) throw new Error(what) }
check((await axios.get(`${API}/whoami`)).data.sub === 'key-holder', 'no credential')
const events = (await axios.get(`${API}/held?id=${ID}`, { responseType: 'stream' })).data
let text = ''
for await (const piece of events) {
  text += piece
  if (text === 'data: first\n\n') await axios.get(`${API}/release?id=${ID}`)
}
check(text.includes('data: last'), text)
process.exit(7)
