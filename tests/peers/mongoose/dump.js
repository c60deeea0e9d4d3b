'use strict'
// dump.js URI: campaigns and call records as they lie there, one line of JSON;
// types are told as in MongoDB's canonical extended JSON.

const { MongoClient, BSON } = require('mongodb')

async function main(uri) {
	const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 5000 }).connect()
	const out = {}
	for (const name of ['campaigns', 'callrecords', 'contacts'])
		out[name] = (await client.db().collection(name).find().toArray())
			.sort((a, b) => String(a._id) < String(b._id) ? -1 : 1)
	console.log(BSON.EJSON.stringify(out, { relaxed: false }))
	await client.close()
}

main(process.argv[2]).catch(err => {
	console.error(err)
	process.exit(1)
})
