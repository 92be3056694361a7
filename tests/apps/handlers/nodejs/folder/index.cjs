exports.handler = async event => ({ folder: event })
