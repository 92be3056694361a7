'use strict'

const assert = require('node:assert')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const test = require('node:test')

test('the handler greets in the style that its config names', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'greeter-'))
  fs.cpSync(path.join(__dirname, '..', 'templates'), path.join(root, 'templates'), { recursive: true })
  fs.writeFileSync(path.join(root, 'env.properties'), 'GREETING_STYLE=formal\n')
  process.env.LAMBDA_TASK_ROOT = root
  const { handler } = require('..')
  const answer = await handler({ name: 'Ada' })
  assert.strictEqual(answer.greeting, 'Good day to you, Ada.')
  assert.deepStrictEqual({ ...answer.config }, { GREETING_STYLE: 'formal' })
  fs.rmSync(root, { recursive: true })
})
