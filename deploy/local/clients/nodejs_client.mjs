// Runs a Node.js handler: asks the Lambda Runtime API for events, and gives it the handler's answers.
//
// It is a program of its own, started by the Node.js that the function needs. Answers, errors and log lines
// are those of AWS's own runtime client, aws-lambda-ric; response streaming is not supported.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html

import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import util from 'node:util'

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const require = createRequire(import.meta.url)
const LAST_NODE_WITH_CALLBACKS = 23
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const FAILED = { exception: 129, rejection: 128 } // exit statuses

let requestId
let whenIdle = () => {} // what is done when the handler has left nothing to wait for
let reportFatal = error => call('POST', 'init/error', describe(error))

// --- the Runtime API -------------------------------------------------------------------------------

function call (method, route, content) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' }
    const options = { hostname, port, method, path: `/2018-06-01/runtime/${route}`, headers, agent: false }
    const request = http.request(options, response => {
      const pieces = []
      response.on('data', piece => pieces.push(piece)).on('error', reject).on('end', () => {
        if (response.statusCode >= 300) process.exit(1)
        resolve({ headers: response.headers, body: Buffer.concat(pieces).toString() })
      })
    })
    request.on('error', () => process.exit(1)) // the server has gone, and nobody waits for an answer
    request.end(content)
  })
}

function stringify (answer) {
  try {
    return JSON.stringify(answer === undefined ? null : answer) ?? ''
  } catch {
    throw new Error('Unable to stringify response body')
  }
}

// --- errors and the log ----------------------------------------------------------------------------

function fault (kind, message) {
  const Fault = class extends Error {}
  Fault.prototype.name = `Runtime.${kind}` // before the stack is written
  return new Fault(message)
}

function describe (error) {
  try {
    const { name, message, stack } = Object(error)
    if (util.types.isNativeError(error) || [name, message, stack].every(text => text && typeof text === 'string')) {
      return stringify({ errorType: name, errorMessage: message, trace: stack.split('\n') })
    }
    return stringify({ errorType: typeof error, errorMessage: error.toString(), trace: [] })
  } catch {
    const errorMessage = 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack'
    return stringify({ errorType: 'handled', errorMessage })
  }
}

function describeInLog (error) {
  const known = error instanceof Error ? error : new Error(error)
  const enumerable = (_key, value) => !(value instanceof Error)
    ? value
    : {
        errorType: value.name,
        errorMessage: value.message,
        code: value.code,
        ...value,
        ...(typeof value.stack === 'string' && { stack: value.stack.split('\n') })
      }
  try {
    return `\t${JSON.stringify(known, enumerable)}`
  } catch {
    return `\t${describe(known)}`
  }
}

function patchConsole () {
  const log = level => (...message) => {
    const line = [new Date().toISOString(), String(requestId), level, util.format(...message)].join('\t')
    process.stdout.write(`${line.replaceAll('\n', '\r')}\n`)
  }
  const levels = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' }
  for (const [name, level] of Object.entries(levels)) console[name] = log(level)
}

// --- the handler -----------------------------------------------------------------------------------

function isModule (folder) {
  if (path.basename(folder) === 'node_modules') return false
  const file = path.join(folder, 'package.json')
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module'
    } catch {
      return false
    }
  }
  return path.dirname(folder) !== folder && isModule(path.dirname(folder))
}

async function loadModule (root, name) {
  const place = path.resolve(process.env.LAMBDA_TASK_ROOT, root, name)
  const load = extension => import(pathToFileURL(place + extension).href)
  const has = extension => fs.existsSync(place + extension)
  if (has('')) return require(place)
  if (has('.js')) return isModule(path.dirname(place)) ? load('.js') : require(`${place}.js`)
  if (has('.mjs')) return load('.mjs')
  if (has('.cjs')) return require(`${place}.cjs`)
  return require(require.resolve(name, { paths: [process.env.LAMBDA_TASK_ROOT, root] }))
}

async function loadHandler (handler) {
  if (handler.includes('..')) {
    throw fault('MalformedHandlerName', `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`)
  }
  const file = path.basename(handler)
  const parts = /^([^.]*)\.(.*)$/.exec(file)
  if (!parts) throw fault('MalformedHandlerName', 'Bad handler')
  let loaded
  try {
    loaded = await loadModule(handler.slice(0, handler.indexOf(file)), parts[1])
  } catch (error) {
    if (error instanceof SyntaxError) throw fault('UserCodeSyntaxError', error)
    if (error?.code === 'MODULE_NOT_FOUND') throw fault('ImportModuleError', error)
    throw error
  }
  const found = parts[2].split('.').reduce((object, key) => object && object[key], loaded)
  if (!found) throw fault('HandlerNotFound', `${handler} is undefined or not exported`)
  if (typeof found !== 'function') throw fault('HandlerNotFound', `${handler} is not a function`)
  if (found[STREAMING]) {
    throw fault('MalformedStreamingHandler', 'Response streaming is not supported on this machine.')
  }
  if (Number.parseInt(process.versions.node) > LAST_NODE_WITH_CALLBACKS && found.length >= 3) {
    throw fault('CallbackHandlerDeprecated', 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.')
  }
  return found
}

// --- invocations -----------------------------------------------------------------------------------

function makeContext (headers) {
  const parse = name => headers[name] === undefined ? undefined : JSON.parse(headers[name])
  const deadline = headers['lambda-runtime-deadline-ms']
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse('lambda-runtime-client-context'),
    identity: parse('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now()
  }
}

async function handleNext (handler) {
  const { headers, body } = await call('GET', 'invocation/next')
  const id = requestId = headers['lambda-runtime-aws-request-id']
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? ''
  const context = makeContext(headers)
  let isDone = false

  const finish = async (kind, content) => {
    isDone = true
    whenIdle = () => {}
    await call('POST', `invocation/${id}/${kind}`, content)
    setImmediate(() => handleNext(handler))
  }
  const fail = error => {
    console.error('Invoke Error', describeInLog(error))
    finish('error', describe(error))
  }
  const succeed = answer => finish('response', stringify(answer))
  const once = settle => (...args) => {
    if (isDone) return
    settle(...args)
    isDone = true
  }
  const settle = (error, answer) => {
    if (error !== undefined && error !== null) fail(error)
    else succeed(answer)
  }
  const callback = once((error, answer) => {
    if (!context.callbackWaitsForEmptyEventLoop || (error !== undefined && error !== null)) settle(error, answer)
    else whenIdle = () => succeed(answer)
  })
  context.done = once(settle)
  context.succeed = once(answer => settle(null, answer))
  context.fail = once(error => settle(error ?? 'handled'))
  // One that neither answers nor waits for anything has answered with nothing.
  whenIdle = () => succeed(null)
  reportFatal = error => call('POST', `invocation/${id}/error`, describe(error))

  try {
    const result = handler(JSON.parse(body), context, callback)
    if (typeof result?.then === 'function') result.then(context.succeed, context.fail).catch(context.fail)
  } catch (error) {
    callback(error)
  }
}

process.on('uncaughtException', async error => {
  console.error('Uncaught Exception', describeInLog(error))
  await reportFatal(error)
  process.exit(FAILED.exception)
})
process.on('unhandledRejection', async (reason, promise) => {
  const error = Object.assign(fault('UnhandledPromiseRejection', reason), { reason, promise })
  console.error('Unhandled Promise Rejection', describeInLog(error))
  await reportFatal(error)
  process.exit(FAILED.rejection)
})
process.on('beforeExit', () => whenIdle())

patchConsole()
globalThis.awslambda = { streamifyResponse: handler => Object.assign(handler, { [STREAMING]: 'response' }) }
let handler
try {
  handler = await loadHandler(process.env._HANDLER)
} catch (error) {
  console.error('Uncaught Exception', describeInLog(error))
  await reportFatal(error)
  process.exit(FAILED.exception)
}
handleNext(handler)
