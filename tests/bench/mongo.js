'use strict'
// Campaigns updated by MongoDB's driver for Node, as a Node worker does.
//
//   NODE_PATH=PEER/node_modules node mongo.js URI N AT_ONCE one|bulk|clear PORTION
//
// Each update makes or changes one campaign: an entry of its history, its
// status and its last step, acknowledged by a majority.  one: updateOne()
// for each, AT_ONCE under way; bulk: bulkWrite() of AT_ONCE, unordered.  After
// PORTION the collection is dropped.  clear: proves that all N campaigns are
// there, made by whom it may be, and drops everything.
// Prints how many, in how many seconds, with how many of the processor.

const { MongoClient } = require('mongodb')
const [uri, , , how] = process.argv.slice(2)
const [n, atOnce, portion] = [3, 4, 6].map(i => Number(process.argv[i]))

function update(i) {
	const now = new Date()
	return {
		filter: { _id: `node-${i}` },
		update: {
			$push: { callHistory: { callId: `call-${i}`, rev: 1, step: 1, callTime: now,
				duration: 30, outcome: 'completed' } },
			$set: { status: 'completed', lastCompletedStep: 1, lastCompletedDate: now,
				updatedAt: now },
			$setOnInsert: { createdAt: now },
		},
		upsert: true,
	}
}

async function one(campaigns, from, to) {
	let next = from
	async function some() {
		while (next < to) {
			const u = update(next++)
			await campaigns.updateOne(u.filter, u.update, { upsert: true })
		}
	}
	await Promise.all(Array.from({ length: atOnce }, some))
}

async function bulk(campaigns, from, to) {
	for (let i = from; i < to; i += atOnce)
		await campaigns.bulkWrite(Array.from({ length: Math.min(atOnce, to - i) },
			(_, k) => ({ updateOne: update(i + k) })), { ordered: false })
}

async function proved(campaigns, count) {
	const has = await campaigns.countDocuments({ lastCompletedStep: { $gte: 0 } })
	if (has !== count)
		throw new Error(`${has} campaigns have a step completed, not ${count}`)
	await campaigns.drop()
}

async function clear(db) {
	await proved(db.collection('campaigns'), n)
	for (const { name } of await db.listCollections().toArray())
		await db.collection(name).deleteMany({})
}

async function main() {
	const client = await MongoClient.connect(uri, { writeConcern: { w: 'majority' } })
	const db = client.db(), campaigns = db.collection('campaigns')
	const began = process.hrtime.bigint(), used = process.cpuUsage()
	if (how === 'clear')
		await clear(db)
	for (let i = 0; i < n && how !== 'clear'; i += portion) {
		const to = Math.min(i + portion, n)
		await (how === 'one' ? one : bulk)(campaigns, i, to)
		await proved(campaigns, to - i)
	}
	const seconds = Number(process.hrtime.bigint() - began) / 1e9
	const cpu = process.cpuUsage(used)
	console.log(n, seconds.toFixed(6), ((cpu.user + cpu.system) / 1e6).toFixed(6))
	await client.close()
}

main().catch(err => {
	console.error('mongo.js:', err)
	process.exit(1)
})
