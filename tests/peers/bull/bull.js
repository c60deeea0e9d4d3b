'use strict'
// A queue of Bull for the benchmarks; how durable it is, its Redis decides.
//
//   bull.js fill PORT N                put N jobs that do nothing into the queue
//   bull.js drain PORT N CONCURRENCY   work until none is left
//   bull.js lives PORT FILE CONCURRENCY
//                                      the lines of FILE, each put in and worked
//   bull.js once PORT                  works what is there and ends, as from cron
//
// drain and lives print how many, in how many seconds, with how many of the
// processor; the clock stands still until Redis answers, and ends when it has
// the last job as completed.  Bull's own default, to keep what is completed,
// is left as it is.

const fs = require('fs')
const Queue = require('bull')

const BATCH = 500 // jobs of one addBulk, as many as dsrun takes at a time

function connect(port) {
	return new Queue('bench', { redis: { host: '127.0.0.1', port: Number(port) } })
}

async function fill(queue, jobs) {
	for (let i = 0; i < jobs.length; i += BATCH)
		await queue.addBulk(jobs.slice(i, i + BATCH).map(data => ({ data })))
}

function made(n) {
	return Array.from({ length: n }, (_, i) => ({ id: `b-${i}` }))
}

function read(file) {
	return fs.readFileSync(file, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line))
}

async function work(queue, n, concurrency, before) {
	let done = 0
	// Told of each when Redis has it as completed.
	const all = new Promise((resolve, reject) => {
		queue.on('completed', () => ++done === n && resolve())
		queue.on('failed', (_, err) => reject(err))
		queue.on('error', reject)
	})
	await queue.isReady()
	const began = process.hrtime.bigint(), used = process.cpuUsage()
	await before()
	queue.process(concurrency, async () => {}).catch(fail)
	await all
	const seconds = Number(process.hrtime.bigint() - began) / 1e9
	const cpu = process.cpuUsage(used)
	console.log(n, seconds.toFixed(6), ((cpu.user + cpu.system) / 1e6).toFixed(6))
	const counts = await queue.getJobCounts()
	if (done !== n || counts.completed !== n || counts.waiting + counts.active !== 0)
		throw new Error(`${done} of ${n}: ${JSON.stringify(counts)}`)
}

function fail(err) {
	console.error('bull:', err)
	process.exit(1)
}

async function main([what, port, arg, concurrency]) {
	const queue = connect(port)
	if (what === 'fill') {
		await fill(queue, made(Number(arg)))
	} else if (what === 'drain') {
		const n = Number(arg), waiting = await queue.count()
		if (waiting !== n)
			throw new Error(`the queue has ${waiting} jobs, not ${n}`)
		await work(queue, n, Number(concurrency), async () => {})
	} else if (what === 'lives') {
		const jobs = read(arg)
		await work(queue, jobs.length, Number(concurrency), () => fill(queue, jobs))
	} else if (what === 'once') {
		const waiting = await queue.count()
		if (waiting > 0)
			await work(queue, waiting, 50, async () => {})
	} else {
		throw new Error('fill PORT N | drain PORT N CONCURRENCY | lives PORT FILE CONCURRENCY | once PORT')
	}
	// close() of a worker that waits in a blocking call can throw in ioredis;
	// all is done and Redis has it.
	process.exit(0)
}

main(process.argv.slice(2)).catch(fail)
