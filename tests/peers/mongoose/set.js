'use strict'
// What another program might have done to the data before dsrun comes.
//
//   set.js URI CAMPAIGN JSON          sets fields of that campaign
//   set.js URI COLLECTION INDEXNAME   an index of that name over other keys

const { MongoClient, ObjectId } = require('mongodb')

async function main(uri, what, value) {
	const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 5000 }).connect()
	const db = client.db()
	if (ObjectId.isValid(what))
		await db.collection('campaigns').updateOne(
			{ _id: new ObjectId(what) }, { $set: JSON.parse(value) })
	else
		await db.collection(what).createIndex({ elsewhere: 1 }, { name: value })
	console.log('{}')
	await client.close()
}

main(...process.argv.slice(2)).catch(err => {
	console.error(err)
	process.exit(1)
})
