// Globals alone, so that Node, Deno and Bun run the same program.
const environment = globalThis.Deno ? Deno.env.toObject() : process.env
const { API, ID } = environment
const check = (holds, what) => { if (!holds) throw new Error(what) }
check((await (await fetch(`${API}/whoami`)).json()).sub === 'key-holder', 'no credential')
const events = (await fetch(`${API}/held?id=${ID}`)).body.pipeThrough(new TextDecoderStream()).getReader()
const first = await events.read()
check(first.value === 'data: first\n\n', `first: ${first.value}`)
check((await fetch(`${API}/release?id=${ID}`)).ok, 'not released')
let rest = ''
for (let piece = await events.read(); !piece.done; piece = await events.read()) rest += piece.value
check(rest.includes('data: last'), `rest: ${rest}`)
globalThis.Deno ? Deno.exit(7) : process.exit(7)
