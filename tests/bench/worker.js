'use strict'
// A producer and a worker of Bull or BullMQ, as a Node program has them, beside
// dsrun on the same queue; how durable it is, its Redis decides.
//
//   NODE_PATH=PEER/node_modules node worker.js bull|bullmq COMMAND PORT ...
//
//   fill PORT N                put N jobs that a simulated call ends at once
//   drain PORT N CONCURRENCY   work until none is left; prints how many, in how
//                              many seconds, with how many of the processor
//   first PORT                 work one job, from cron; prints when it was begun
//                              (ms since 1970, as Redis' own moments)
//   empty PORT                 find that there is none
//   stay PORT N CONCURRENCY    a worker; says "done" after N jobs, and stays
//
// The clock of drain stands still until Redis answers, and ends when it has the
// last job as completed.  The library's own default, to keep what is completed,
// is left as it is.

const kind = process.argv[2]
const lib = kind === 'bull' ? require('bull') : require('bullmq')
const NAME = 'calls'
const BATCH = 500

function connection(port) {
	const redis = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null }
	return kind === 'bull' ? { redis } : { connection: redis }
}

function queueAt(port) {
	return kind === 'bull' ? new lib(NAME, connection(port)) : new lib.Queue(NAME, connection(port))
}

function job(i) {
	return { name: 'call', data: { phone: '+1999' + String(i).padStart(7, '0'),
		campaignId: 'spring' } }
}

async function fill(port, n) {
	const queue = queueAt(port)
	for (let i = 0; i < n; i += BATCH)
		await queue.addBulk(Array.from({ length: Math.min(BATCH, n - i) }, (_, k) => job(i + k)))
}

// Begins to work when start() is called; fn(job) runs for each, and told() for
// each that Redis has as completed.
async function worker(port, concurrency, fn, told) {
	if (kind === 'bull') {
		const queue = queueAt(port)
		queue.on('completed', told)
		queue.on('failed', (_, err) => fail(err))
		queue.on('error', fail)
		await queue.isReady()
		return () => queue.process('call', concurrency, fn).catch(fail)
	}
	const w = new lib.Worker(NAME, fn, { ...connection(port), concurrency, autorun: false })
	w.on('completed', told)
	w.on('failed', (_, err) => fail(err))
	w.on('error', fail)
	await w.waitUntilReady()
	return () => w.run().catch(fail)
}

// The promise of n jobs.
function all(n) {
	const end = {}
	let done = 0
	end.promise = new Promise(resolve => {
		end.told = () => { ++done === n && resolve() }
	})
	return end
}

async function drain(port, n, concurrency) {
	const end = all(n)
	const start = await worker(port, concurrency, async () => {}, end.told)
	const began = process.hrtime.bigint(), used = process.cpuUsage()
	start()
	await end.promise
	const seconds = Number(process.hrtime.bigint() - began) / 1e9
	const cpu = process.cpuUsage(used)
	console.log(n, seconds.toFixed(6), ((cpu.user + cpu.system) / 1e6).toFixed(6))
}

async function first(port) {
	const end = all(1)
	let at = 0
	const start = await worker(port, 1, async () => { at = at || Date.now() }, end.told)
	start()
	await end.promise
	console.log(at)
}

async function empty(port) {
	if (await queueAt(port).getWaitingCount() !== 0)
		throw new Error('jobs wait')
}

async function stay(port, n, concurrency) {
	const end = all(n)
	const start = await worker(port, concurrency, async () => {}, end.told)
	start()
	console.log('ready')
	await end.promise
	console.log('done')
	await new Promise(() => {})
}

function fail(err) {
	console.error('worker:', err)
	process.exit(1)
}

const commands = { fill, drain, first, empty, stay }
const [what, port, ...rest] = process.argv.slice(3)
if (!commands[what])
	fail(new Error('worker.js bull|bullmq ' + Object.keys(commands).join('|') + ' PORT ...'))
// What close() of a worker that waits in a blocking call may throw is nobody's
// concern: all is done and Redis has it.
commands[what](port, ...rest.map(Number)).then(() => process.exit(0), fail)
