'use strict'
// Amazon's S3 client for Node, for the benchmarks.
//
//   put.js HOST:PORT BUCKET FILE N AT_ONCE    FILE as N objects "aws-sdk-js/0" ...
//
// As dsrun sends them: SigV4 over a SHA-256 of the body, which goes along as
// the object's checksum.  Keys are ACCESS and SECRET in the environment.
// Prints how many, in how many seconds, with how many of the processor.

const fs = require('fs/promises')
const { S3Client, PutObjectCommand } = require('@aws-sdk/client-s3')

const [at, bucket, file, n, atOnce] = process.argv.slice(2)
const client = new S3Client({ endpoint: 'http://' + at, region: 'us-east-1', forcePathStyle: true,
	credentials: { accessKeyId: process.env.ACCESS, secretAccessKey: process.env.SECRET } })
let next = 0

async function some() {
	while (next < Number(n))
		await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'aws-sdk-js/' + next++,
			Body: await fs.readFile(file), ContentType: 'audio/wav', ChecksumAlgorithm: 'SHA256' }))
}

async function main() {
	const began = process.hrtime.bigint(), used = process.cpuUsage()
	await Promise.all(Array.from({ length: Number(atOnce) }, some))
	const seconds = Number(process.hrtime.bigint() - began) / 1e9
	const cpu = process.cpuUsage(used)
	console.log(n, seconds.toFixed(6), ((cpu.user + cpu.system) / 1e6).toFixed(6))
}

main().catch(err => {
	console.error('aws-sdk-js:', err)
	process.exit(1)
})
