'use strict'

// A small function with real dependencies. It answers with the config that was baked into its package,
// read by the one of its two readers that the event asks for, and with a greeting in the style that the
// config names.

const fs = require('node:fs')
const path = require('node:path')
const { parse } = require('dot-properties')
const { propertiesReader } = require('properties-reader')
const template = require('lodash/template')
const { v4: uuid } = require('uuid')

const root = process.env.LAMBDA_TASK_ROOT || __dirname
const configFile = path.join(root, 'env.properties')

const readers = {
  'dot-properties': () => parse(fs.readFileSync(configFile, 'latin1')),
  'properties-reader': () =>
    Object.fromEntries(propertiesReader({ sourceFile: configFile }).entries())
}

function greet (style, name) {
  const text = fs.readFileSync(path.join(root, 'templates', `${style}.txt`), 'utf8')
  return template(text)({ name }).trim()
}

exports.handler = async (event = {}) => {
  const config = readers[event.reader || 'dot-properties']()
  return {
    id: uuid(),
    greeting: greet(config.GREETING_STYLE || 'default', event.name || 'world'),
    config
  }
}
