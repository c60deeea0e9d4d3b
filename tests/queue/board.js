'use strict'
// Bull Board over one queue, for tests/queue.
//
//   NODE_PATH=PEER/node_modules node board.js bull|bullmq PORT QUEUE
//
// Prints {"port": N} once it serves http://127.0.0.1:N/api/queues.

const { createBullBoard } = require('@bull-board/api')
const { BullAdapter } = require('@bull-board/api/bullAdapter')
const { BullMQAdapter } = require('@bull-board/api/bullMQAdapter')
const { ExpressAdapter } = require('@bull-board/express')
const express = require('express')

const [kind, port, name] = process.argv.slice(2)
const redis = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null }
let queue
if (kind === 'bull') {
	const Bull = require('bull')
	queue = new BullAdapter(new Bull(name, { redis }))
} else {
	const { Queue } = require('bullmq')
	queue = new BullMQAdapter(new Queue(name, { connection: redis }))
}
const serverAdapter = new ExpressAdapter()
serverAdapter.setBasePath('')
createBullBoard({ queues: [queue], serverAdapter })
const app = express()
app.use('/', serverAdapter.getRouter())
const server = app.listen(0, '127.0.0.1', () =>
	process.stdout.write(JSON.stringify({ port: server.address().port }) + '\n'))
process.stdin.resume().on('end', () => process.exit(0))
