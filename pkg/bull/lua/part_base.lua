-- In front of every script.  KEYS[1] is the queue's prefix with its colon
-- ("bull:calls:"): all keys are made of it, and in a Cluster it names their
-- node.  No key is called that, so while a Cluster moves the slot, no node runs
-- a script (net_redis_script.stays).  ARGV[1] is the library: "bull", "bullmq5" or "bullmq6"; what follows
-- in ARGV is each script's own.  Every script answers with an array whose first
-- item is a word.
--
-- Redis takes no write of a script back when a later command of it fails: what
-- others wrote (opts, data, parent) is read before the first write, by decode,
-- which never fails.
local call = redis.call
local P = KEYS[1]
local bull = ARGV[1] == 'bull'
local six = ARGV[1] == 'bullmq6'

-- Redis' own clock: due times and ages are compared by one clock, whoever of
-- many hosts runs the script.  Milliseconds.
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A whole number as text: Lua's own .. keeps only 14 digits.
local function int(n)
	return string.format('%.0f', n)
end

-- JSON text to a table, or an empty one: what is no JSON object says nothing.
local function decode(text)
	local ok, value = pcall(cjson.decode, text)
	if ok and type(value) == 'table' then
		return value
	end
	return {}
end

-- A number that somebody wrote, if it is one to reckon with: JSON's 1e999 is
-- infinite here, and cjson even reads NaN.
local function number(v)
	if type(v) == 'number' and v == v and math.abs(v) <= 1e15 then
		return v
	end
end

local function text_number(v)
	return number(tonumber(v or nil))
end

-- The list that jobs wait in: while a queue is paused Bull and BullMQ 5 have
-- it under another name.  Q is the queue's prefix, ours or a flow parent's.
local function is_paused(Q)
	if bull then
		return call('EXISTS', Q .. 'meta-paused') == 1
	end
	return call('HEXISTS', Q .. 'meta', 'paused') == 1
end

local function waiting_list(Q)
	if not six and is_paused(Q) then
		return Q .. 'paused'
	end
	return Q .. 'wait'
end

-- How often the job was tried.  BullMQ up to 4 called it attemptsMade too, and
-- such a field still wins.
local function tries(key)
	local f = call('HMGET', key, 'attemptsMade', 'atm')
	return text_number(f[1] or f[2]) or 0
end

-- What others are told.  Bull: a channel and a message.  BullMQ: an entry of
-- the stream, kept as short as its owner asked.
local function publish(channel, message)
	call('PUBLISH', P .. channel, message)
end

local longest = {}
local function emit(Q, ...)
	if not longest[Q] then
		longest[Q] = call('HGET', Q .. 'meta', 'opts.maxLenEvents') or 10000
	end
	call('XADD', Q .. 'events', 'MAXLEN', '~', longest[Q], '*', 'event', ...)
end

-- Wakes BullMQ's workers, which block on this set: now, or when the next
-- delayed job is due.
local function wake(Q)
	local m = call('HMGET', Q .. 'meta', 'paused', 'concurrency')
	if m[1] or (m[2] and call('LLEN', Q .. 'active') >= tonumber(m[2])) then
		return
	end
	call('ZADD', Q .. 'marker', 0, '0')
end

local function wake_later(Q)
	local first = call('ZRANGE', Q .. 'delayed', 0, 0, 'WITHSCORES')
	if first[2] then
		call('ZADD', Q .. 'marker', tonumber(first[2]) / 4096, '1')
	end
end

-- Puts a job to where it waits.  push is LPUSH (behind all others) or RPUSH
-- (next); a job with a priority has its own order in both libraries.
local function enqueue(Q, id, push)
	local priority = text_number(call('HGET', Q .. id, 'priority')) or 0
	if not bull then
		if priority == 0 then
			call(push, waiting_list(Q), id)
		else
			local n = call('INCR', Q .. 'pc')
			call('ZADD', Q .. 'prioritized', priority * 4294967296 + n % 4294967296, id)
		end
		wake(Q)
		return
	end
	local list = waiting_list(Q)
	if priority == 0 then
		call(push, list, id)
		return
	end
	-- Bull keeps one list: before it, counted from its end, are as many as
	-- have this priority or a better one.
	call('ZADD', Q .. 'priority', priority, id)
	local before = call('ZCOUNT', Q .. 'priority', 0, priority) - 1
	local other = call('LINDEX', list, call('LLEN', list) - before)
	if other then
		call('LINSERT', list, 'BEFORE', other, id)
	else
		call('RPUSH', list, id)
	end
end

-- Puts a job to the delayed ones, due at a time in milliseconds.  The low 12
-- bits of the score keep the order of those that are due together: Bull takes
-- them from a counter or the id, BullMQ the next free ones.
local function put_delayed(id, due, bits)
	if bull then
		call('ZADD', P .. 'delayed', due * 4096 + bits % 4096, id)
		publish('delayed', int(due))
		return
	end
	local low, high = due * 4096, due * 4096 + 4095
	local last = call('ZREVRANGEBYSCORE', P .. 'delayed', int(high), int(low),
	    'WITHSCORES', 'LIMIT', 0, 1)
	if last[2] then
		low = math.min(tonumber(last[2]) + 1, high)
	end
	call('ZADD', P .. 'delayed', low, id)
	emit(P, 'delayed', 'jobId', id, 'delay', int(due))
	wake_later(P)
end

-- JavaScript's id & 0xfff.
local function id_bits(id)
	local n = tonumber(id)
	if n and n == n and math.abs(n) < 9007199254740992 then
		return math.floor(n) % 4096
	end
	return 0
end

-- Where a job is that is not in active under a lock; 'lost' when its hash is
-- there and no list has it.
local function whereabouts(id)
	for _, set in ipairs({'completed', 'failed', 'delayed', 'prioritized',
	    'waiting-children'}) do
		if not (bull and (set == 'prioritized' or set == 'waiting-children')) and
		    call('ZSCORE', P .. set, id) then
			return set
		end
	end
	for _, list in ipairs({'active', 'wait', 'paused'}) do
		if call('LPOS', P .. list, id) then
			return list
		end
	end
	return 'lost'
end

-- It was finished, or is not there; its lock says nothing then.
local function is_ended(id)
	local f = redis.pcall('HMGET', P .. id, 'timestamp', 'finishedOn')
	return f.err == nil and (f[2] or not f[1] and call('EXISTS', P .. id) == 0)
end

-- Is this still the job that was taken?  An id is used again after its removal
-- or after Redis lost its memory; then the time it was added differs.
local function is_same(id, stamp)
	local t = call('HGET', P .. id, 'timestamp')
	if t then
		return t == stamp
	end
	return stamp == '' and call('EXISTS', P .. id) == 1
end
