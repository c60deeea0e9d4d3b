-- use base
-- Which library's queue is this?  Only reads; ARGV[1] is not looked at.
-- {'type', key, its type, the right one}: it is no queue of either
-- An error NOPERM that names the commands this user may not use.
-- {'found', 'bull' | 'bullmq' | 'both' | '', by what, meta's version or '',
--  by what it is the other one too, 1 when some worker keeps metrics}
local TYPES = {
	wait = 'list', active = 'list', paused = 'list', id = 'string', meta = 'hash',
	delayed = 'zset', completed = 'zset', failed = 'zset', stalled = 'set',
	['stalled-check'] = 'string', prioritized = 'zset', ['waiting-children'] = 'zset',
	events = 'stream', marker = 'zset', pc = 'string', ['repeat'] = 'zset',
	priority = 'zset', ['meta-paused'] = 'string', limiter = 'string',
	['metrics:completed'] = 'hash', ['metrics:failed'] = 'hash',
}
local kinds = {}
for key, right in pairs(TYPES) do
	local is = call('TYPE', P .. key).ok
	if is ~= right and is ~= 'none' then
		return {'type', key, is, right}
	end
	kinds[key] = is ~= 'none'
end

local version = kinds.meta and call('HGET', P .. 'meta', 'version') or ''
local mq, classic = '', ''
if string.sub(version, 1, 6) == 'bullmq' then
	mq = 'meta version ' .. version
end
for _, key in ipairs({'events', 'marker', 'prioritized', 'pc', 'waiting-children'}) do
	if mq == '' and kinds[key] then
		mq = 'key ' .. key
	end
end
for _, key in ipairs({'meta-paused', 'priority'}) do
	if classic == '' and kinds[key] then
		classic = 'key ' .. key
	end
end
if classic == '' and call('EXISTS', P .. 'limiter:index') == 1 then
	classic = 'key limiter:index'
end

-- Nothing yet: what a job looks like.
local function sample()
	for _, list in ipairs({'wait', 'paused', 'active'}) do
		local id = call('LINDEX', P .. list, -1)
		if id then
			return id
		end
	end
	for _, set in ipairs({'delayed', 'completed', 'failed'}) do
		local id = call('ZRANGE', P .. set, -1, -1)[1]
		if id then
			return id
		end
	end
end
local id = mq == '' and classic == '' and sample()
if id then
	local f = call('HMGET', P .. id, 'ats', 'atm', 'stc', 'pb', 'rjk', 'attemptsMade',
	    'stalledCounter', 'retriedOn')
	local o = decode(call('HGET', P .. id, 'opts'))
	for i = 1, 5 do
		if f[i] then
			mq = 'fields of job ' .. id
		end
	end
	if mq == '' and (f[6] or f[7] or f[8] or number(o.timestamp)) then
		classic = 'fields of job ' .. id
	elseif mq == '' and o.attempts == 0 then
		mq = 'opts of job ' .. id
	end
end

-- What the scripts call: one that the access list forbids would fail in the
-- middle of a script, and what was written before it stays.  Redis 7.0 and newer
-- can tell.  Bull's workers publish, BullMQ's have a stream.
local COMMANDS = 'DEL EXISTS GET HDEL HEXISTS HGET HINCRBY HMGET HSET HSTRLEN INCR LINDEX ' ..
    'LINSERT LLEN LPOS LPUSH LRANGE LREM LTRIM PEXPIRE PTTL PUBLISH RPOPLPUSH RPUSH SADD ' ..
    'SCARD SET SMEMBERS SREM TIME TYPE XADD ZADD ZCARD ZCOUNT ZPOPMIN ZRANGE ' ..
    'ZRANGEBYSCORE ZREM ZREMRANGEBYRANK ZREVRANGE ZREVRANGEBYSCORE ZSCORE'
local others = {PUBLISH = mq, XADD = classic}
local refused = {}
local one = P .. 'x'
for c in string.gmatch(redis.acl_check_cmd and COMMANDS or '', '%S+') do
	if (others[c] or '') == '' and not redis.acl_check_cmd(c, one, one, one) then
		refused[#refused + 1] = c
	end
end
if #refused > 0 then
	return redis.error_reply('NOPERM this user may not use on ' .. P .. '*: ' ..
	    table.concat(refused, ' '))
end
local metrics = (kinds['metrics:completed'] or kinds['metrics:failed']) and 1 or 0
if mq ~= '' and classic ~= '' then
	return {'found', 'both', mq, version, classic, metrics}
elseif mq ~= '' then
	return {'found', 'bullmq', mq, version, '', metrics}
end
return {'found', classic ~= '' and 'bull' or '', classic, version, '', metrics}
