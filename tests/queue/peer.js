'use strict'
// Bull or BullMQ as their users use them: the producer, the worker and the
// listener that stand beside our own worker in tests/queue.
//
//   NODE_PATH=PEER/node_modules node peer.js bull|bullmq PORT QUEUE [PREFIX]
//
// One JSON object a line comes in, {"n": 1, "js": "return ...", "arg": ...}, and
// one goes out, {"n": 1, "value": ...} or {"n": 1, "error": "..."}.  The code is
// the body of an async function of (queue, arg, tools); what it tells with
// tools.tell(x) goes out at once as {"told": x}.

const readline = require('readline')
const [kind, port, name, prefix = 'bull'] = process.argv.slice(2)
const redis = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null }
const lib = kind === 'bull' ? require('bull') : require('bullmq')
const options = kind === 'bull' ? { redis, prefix } : { connection: redis, prefix }
const queue = kind === 'bull' ? new lib(name, options) : new lib.Queue(name, options)
const AsyncFunction = (async () => {}).constructor

function say(x) {
	process.stdout.write(JSON.stringify(x) + '\n')
}

function tell(x) {
	say({ told: x })
}

// Everything a listener elsewhere is told, as {event, ...what it was called with}.
async function listen() {
	if (tools.listens)
		return
	tools.listens = true
	if (kind === 'bull') {
		for (const e of ['waiting', 'active', 'completed', 'failed', 'progress', 'delayed',
			'stalled', 'drained', 'paused', 'resumed', 'duplicated'])
			queue.on('global:' + e, (...args) => tell({ event: e, args }))
		await queue.isReady()
		// Only who registered is told; to add a listener starts that.
		await new Promise(done => setTimeout(done, 200))
		return
	}
	const events = new lib.QueueEvents(name, options)
	for (const e of ['added', 'waiting', 'active', 'completed', 'failed', 'progress', 'delayed',
		'stalled', 'drained', 'paused', 'resumed', 'duplicated', 'retries-exhausted',
		'waiting-children', 'removed', 'error'])
		events.on(e, args => tell({ event: e, args: e === 'error' ? String(args) : args }))
	await events.waitUntilReady()
	tools.events = events
	// Ready is not yet reading: what is added before the first XREAD is missed.
	await new Promise(done => setTimeout(done, 200))
}

// A worker; fn(job) runs for each, and every job it ran is told.
async function work(fn, concurrency = 1, more = {}) {
	async function run(job) {
		tell({ worked: job.id, name: job.name, attempt: job.attemptsMade })
		return fn ? fn(job) : { by: 'node' }
	}
	if (kind === 'bull') {
		const worker = Object.keys(more).length ? new lib(name, { ...options, ...more }) : queue
		worker.process('*', concurrency, run).catch(() => {})
		tools.stop = () => worker.pause(true)
		return
	}
	const worker = new lib.Worker(name, run, { ...options, concurrency, ...more })
	worker.on('error', err => tell({ trouble: String(err) }))
	await worker.waitUntilReady()
	tools.stop = () => worker.close()
}

// Tells what a producer that waits for this job gets.
function wait(job) {
	const end = kind === 'bull' ? job.finished() : job.waitUntilFinished(tools.events)
	end.then(value => tell({ finished: String(job.id), value }),
		err => tell({ finished: String(job.id), error: err.message }))
}

const tools = { lib, kind, name, options, tell, listen, work, wait,
	sleep: ms => new Promise(done => setTimeout(done, ms)) }

async function obey(line) {
	const { n, js, arg } = JSON.parse(line)
	try {
		const value = await new AsyncFunction('queue', 'arg', 'tools', js)(queue, arg, tools)
		say({ n, value })
	} catch (err) {
		say({ n, error: String(err.stack || err) })
	}
}

const lines = readline.createInterface({ input: process.stdin })
lines.on('line', obey)
lines.on('close', () => process.exit(0))
