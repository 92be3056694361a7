exports.handler = async event => ({
  statusCode: 200,
  body: JSON.stringify({ function: 'users', parameters: event.pathParameters, greeting: process.env.GREETING })
})
