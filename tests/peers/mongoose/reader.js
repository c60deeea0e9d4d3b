'use strict'
// Reads with Mongoose what dsrun wrote, by the schema that the outbound
// worker's specification gives (both of its drafts' names for what we write).
//
//   reader.js URI CAMPAIGN    the campaign, populated, and its call records,
//                             as one line of JSON; times and ids tell their type
//   reader.js URI seed        puts a sequence, a batch, a contact and a campaign
//                             there as the Node worker does; prints their ids
//
// strict "throw" and strictQuery make an unknown field or a wrong type an
// error where Mongoose would keep quiet.

const mongoose = require('mongoose')
const { Schema } = mongoose
const { ObjectId } = Schema.Types

const strict = { strict: 'throw', strictQuery: 'throw', versionKey: false }

const Sequence = mongoose.model('Sequence', new Schema({
	name: String, steps: [{ _id: false, kind: String }],
}, strict))

const Batch = mongoose.model('Batch', new Schema({
	name: String, sequence: { type: ObjectId, ref: 'Sequence' },
}, strict))

const Contact = mongoose.model('Contact', new Schema({
	phone: String, firstName: String, lastName: String, practice: String,
	email: String, timezone: String,
}, strict))

const Call = new Schema({
	callId: { type: String, required: true },
	record: { type: ObjectId, ref: 'CallRecord', required: true },
	rev: { type: Number, required: true },
	step: Number,
	callTime: Date,
	duration: Number,
	outcome: String,
	transcriptUrl: String,
	recordingUrl: String,
}, { _id: false, strict: 'throw' })

const Campaign = mongoose.model('Campaign', new Schema({
	contact: { type: ObjectId, ref: 'Contact' },
	batch: { type: ObjectId, ref: 'Batch' },
	status: {
		type: String,
		enum: ['pending', 'in_progress', 'failed', 'completed', 'declined', 'booked'],
	},
	callHistory: [Call],
	lastCompletedStep: Number,
	lastCompletedDate: Date,
	recordingUrl: String,
	threadId: String,
	createdAt: Date,
	updatedAt: Date,
}, strict))

const CallRecord = mongoose.model('CallRecord', new Schema({
	callId: String,
	campaign: { type: ObjectId, ref: 'Campaign' },
	step: Number,
	transcriptUrl: String,
	recordingUrl: String,
	callTime: Date,
	duration: Number,
	outcome: String,
	declineReason: String,
	attempts: Number,
	cost: Number,
	meeting: Schema.Types.Mixed,
	rev: Number,
	createdAt: Date,
	updatedAt: Date,
}, strict))

// Values as { type: text }, so that a string in place of a date is seen.
function typed(v) {
	if (v === null || v === undefined)
		return null
	if (v instanceof Date)
		return { date: v.toISOString() }
	if (v instanceof mongoose.Types.ObjectId)
		return { id: v.toHexString() }
	if (Array.isArray(v))
		return v.map(typed)
	if (typeof v === 'object')
		return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, typed(x)]))
	return v
}

async function seed() {
	const sequence = await Sequence.create({ name: 'intro', steps: [{ kind: 'call' }] })
	const batch = await Batch.create({ name: 'june', sequence: sequence._id })
	const contact = await Contact.create({
		phone: '+12025550101', firstName: 'Ada', lastName: 'Boole',
		practice: 'North Clinic', email: 'ada@example.org', timezone: 'America/New_York',
	})
	const now = new Date()
	const campaign = await Campaign.create({
		contact: contact._id, batch: batch._id, status: 'pending', callHistory: [],
		threadId: 't-1', createdAt: now, updatedAt: now,
	})
	console.log(JSON.stringify({ campaign: campaign.id, contact: contact.id }))
}

async function read(id) {
	const campaign = await Campaign.findById(id)
		.populate('contact')
		.populate({ path: 'batch', populate: 'sequence' })
		.populate('callHistory.record')
		.orFail()
	await campaign.validate()
	const records = await CallRecord.find({ campaign: id }).populate('campaign').sort('callTime')
	for (const r of records)
		await r.validate()
	console.log(JSON.stringify({
		campaign: typed(campaign.toObject()),
		records: records.map(r => typed(r.toObject({ depopulate: true }))),
		owners: records.map(r => r.campaign.status),
	}))
}

async function main(uri, what) {
	await mongoose.connect(uri, { serverSelectionTimeoutMS: 5000 })
	await (what === 'seed' ? seed() : read(what))
	await mongoose.disconnect()
}

main(process.argv[2], process.argv[3]).catch(err => {
	console.error(err)
	process.exit(1)
})
