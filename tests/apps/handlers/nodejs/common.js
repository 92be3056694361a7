'use strict'

// Handlers of each style, CommonJS: what they answer is compared with what they answer under AWS's own client.

exports.answer = async event => ({ event, 'ü': '✓', nothing: undefined })
exports.context = async (_event, context) => [
  context.functionName, context.functionVersion, context.memoryLimitInMB, context.logGroupName,
  context.invokedFunctionArn, context.clientContext, context.getRemainingTimeInMillis() > 0
]
exports.nothing = async () => {}
exports.sync = event => ({ ignored: event }) // it has to answer by a callback or a promise
exports.promise = event => new Promise(resolve => setTimeout(resolve, 5, event))
exports.callback = (event, _context, callback) => { setTimeout(() => callback(null, { event }), 5) }
exports.callbackError = (_event, _context, callback) => callback(new RangeError('too far'))
exports.callbackText = (_event, _context, callback) => callback('just a text')
exports.callbackWaits = (_event, _context, callback) => {
  const answer = { later: false }
  setTimeout(() => { answer.later = true }, 20)
  callback(null, answer)
}
exports.callbackDoesNotWait = (_event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false
  const answer = { later: false }
  setTimeout(() => { answer.later = true }, 20)
  callback(null, answer)
}
exports.neverAnswers = (_event, _context, _callback) => {}
exports.neverSettles = async () => new Promise(() => {})
exports.succeed = (event, context) => { context.succeed({ event }) }
exports.fail = (_event, context) => { context.fail(new Error('context.fail')) }
exports.throws = () => { throw new TypeError('thrown') }
exports.rejects = async () => { throw Object.assign(new Error('rejected'), { code: 'E_X', detail: { a: 1 } }) }
exports.rejectsWithText = async () => { throw 'a text' } // eslint-disable-line no-throw-literal
exports.rejectsWithNothing = async () => { throw undefined } // eslint-disable-line no-throw-literal
exports.unhandled = async () => { Promise.reject(new Error('nobody waits')); return new Promise(() => setTimeout(() => {}, 5000)) }
exports.uncaught = async () => { setTimeout(() => { throw new Error('in a timer') }, 1); return new Promise(() => setTimeout(() => {}, 5000)) }
exports.circular = async () => { const a = {}; a.a = a; return a }
exports.bigint = async () => 1n
exports.exits = async () => process.exit(7)
exports.exitsWell = async () => process.exit(0)
exports.logs = async () => { console.log('one\ntwo %s', 3); console.error(new Error('shown')); console.debug({ a: 1 }); process.stdout.write('raw\n') }
exports.nested = { inner: async () => 'nested' }
exports.notAFunction = 42
