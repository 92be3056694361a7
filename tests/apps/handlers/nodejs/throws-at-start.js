class StartError extends Error { constructor (text) { super(text); this.name = 'StartError' } }
throw new StartError('no start')
