'use strict'

// The web process: the function behind plain HTTP, for a look at it without Lambda.

const http = require('node:http')
const { handler } = require('./index')

http
  .createServer(async (request, response) => {
    const event = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await handler(event)))
  })
  .listen(process.env.PORT || 3000)
