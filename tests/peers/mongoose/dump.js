'use strict'
// dump.js URI [DATABASE...]: campaigns, call records and contacts as they lie
// there, one line of JSON; a list of it when databases are named.  Types are
// told as in MongoDB's canonical extended JSON.

const { MongoClient, BSON } = require('mongodb')

async function dump(db) {
	const out = {}
	for (const name of ['campaigns', 'callrecords', 'contacts'])
		out[name] = (await db.collection(name).find().toArray())
			.sort((a, b) => String(a._id) < String(b._id) ? -1 : 1)
	return out
}

async function main(uri, ...names) {
	const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 5000 }).connect()
	const all = []
	for (const name of names)
		all.push(await dump(client.db(name)))
	console.log(BSON.EJSON.stringify(
		names.length ? all : await dump(client.db()), { relaxed: false }))
	await client.close()
}

main(...process.argv.slice(2)).catch(err => {
	console.error(err)
	process.exit(1)
})
