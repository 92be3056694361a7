exports.handler = async event => {
  if (event.name === 'nobody') throw new Error('Nobody has this name')
  return { text: `${process.env.GREETING || 'Hello'}, ${event.name || 'world'}!` }
}
