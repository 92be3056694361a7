export const handler = async event => ({ typed: event })
