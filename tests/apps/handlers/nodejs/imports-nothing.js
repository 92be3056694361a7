exports.handler = require('./gone')
