import { readFileSync } from 'node:fs'

await new Promise(resolve => setTimeout(resolve, 1))

export const answer = async event => ({ event, file: readFileSync(new URL('../nodejs/modules.mjs', import.meta.url)).length > 0 })
export const rejects = async () => { throw new EvalError('in a module') }
export const nested = { inner: async () => 'nested' }
