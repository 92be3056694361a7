// Reads a path a line from stdin, has the named reader read it, and prints a line of JSON.

const { readFileSync } = require('node:fs')
const { createInterface } = require('node:readline')

const readers = {
  'dot-properties': path => require('dot-properties').parse(readFileSync(path, 'latin1')),
  'properties-reader': path => {
    const properties = require('properties-reader').propertiesReader({ sourceFile: path })
    const names = Object.keys(properties.getAllProperties())
    return Object.fromEntries(names.map(name => [name, properties.get(name)]))
  },
  'JSON.parse': path => JSON.parse(readFileSync(path, 'utf8')),
  require: path => require(path),
}

const read = readers[process.argv[2]]
createInterface({ input: process.stdin }).on('line', path => console.log(JSON.stringify(read(path))))
