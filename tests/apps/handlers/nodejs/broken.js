exports.handler = async () => { return ( }
