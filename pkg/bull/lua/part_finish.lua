-- What both ways to finish a job share.  how: 'completed' or 'failed'.

-- A flow's parent goes from waiting-children to where it waits.
local function parent_waits(Q, key, id)
	if call('EXISTS', key) == 0 or call('ZREM', Q .. 'waiting-children', id) == 0 then
		return
	end
	local delay = text_number(call('HGET', key, 'delay')) or 0
	if delay > 0 then
		call('ZADD', Q .. 'delayed', (now + delay) * 4096, id)
		emit(Q, 'delayed', 'jobId', id, 'delay', int(now + delay))
		wake_later(Q)
		return
	end
	enqueue(Q, id, 'RPUSH')
	emit(Q, 'waiting', 'jobId', id, 'prev', 'waiting-children')
end

local function parent_waits_if_last(Q, key, id)
	if call('SCARD', key .. ':dependencies') == 0 then
		parent_waits(Q, key, id)
	end
end

-- A child that fails makes its parent fail (fpof): the parent's next taker
-- fails it without running it.
local function parent_fails(Q, key, id, child)
	if call('EXISTS', key) == 0 then
		return
	end
	local reason = 'child ' .. child .. ' failed'
	if call('ZSCORE', Q .. 'waiting-children', id) then
		call('HSET', key, 'defa', reason)
		parent_waits(Q, key, id)
	elseif call('ZREM', Q .. 'delayed', id) == 1 then
		call('HSET', key, 'delay', 0, 'defa', reason)
		enqueue(Q, id, 'RPUSH')
		emit(Q, 'waiting', 'jobId', id, 'prev', 'waiting-children')
	elseif not call('ZSCORE', Q .. 'failed', id) then
		call('HSET', key, 'defa', reason)
	end
end

-- The parent learns what became of its child.  p: the hash's field parent.
local function tell_parent(child, parent_key, p, how, value)
	local id, queue = p.id, p.queueKey
	if type(id) ~= 'string' or type(queue) ~= 'string' then
		id = string.match(parent_key, '.*:(.*)')
		queue = string.match(parent_key, '(.*):.*')
	end
	if not id or not queue then
		return
	end
	local Q, key = queue .. ':', parent_key
	if how == 'completed' then
		if call('SREM', key .. ':dependencies', child) == 1 then
			call('HSET', key .. ':processed', child, value)
			parent_waits_if_last(Q, key, id)
		end
	elseif p.fpof then
		if call('SREM', key .. ':dependencies', child) == 1 then
			call('ZADD', key .. ':unsuccessful', now, child)
			parent_fails(Q, key, id, child)
		end
	elseif p.cpof then
		if call('SREM', key .. ':dependencies', child) == 1 then
			call('HSET', key .. ':failed', child, value)
			parent_waits(Q, key, id)
		end
	elseif p.idof or p.rdof then
		if call('SREM', key .. ':dependencies', child) == 1 then
			if p.idof then
				call('HSET', key .. ':failed', child, value)
			end
			parent_waits_if_last(Q, key, id)
		end
	end
end

-- A job that is removed is waited for by nobody.
local function leave_parent(child, parent_key)
	if not parent_key or parent_key == '' then
		return
	end
	if call('SREM', parent_key .. ':dependencies', child) == 1 and
	    call('SCARD', parent_key .. ':dependencies') == 0 then
		local queue, id = string.match(parent_key, '(.*):(.*)')
		if id and call('ZREM', queue .. ':waiting-children', id) == 1 then
			call('RPUSH', waiting_list(queue .. ':'), id)
			wake(queue .. ':')
			emit(queue .. ':', 'waiting', 'jobId', id, 'prev', 'waiting-children')
		end
	end
end

local function remove(id)
	local key = P .. id
	if bull then
		call('DEL', key, key .. ':logs')
		return
	end
	leave_parent(key, call('HGET', key, 'parentKey'))
	call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed',
	    key .. ':failed', key .. ':unsuccessful')
end

-- removeOnComplete and removeOnFail: true, a number of jobs to keep, or
-- {age = seconds, count, limit}; left out, all are kept.
local function keep_rule(v)
	if v == true then
		return {count = 0}
	elseif type(v) == 'number' then
		return {count = v}
	elseif type(v) == 'table' then
		return {count = number(v.count), age = number(v.age), limit = number(v.limit)}
	end
	return {}
end

-- Older finished jobs go.  BullMQ takes at most limit of them by age each
-- time, Bull all.
local function prune(set, keep)
	if keep.age then
		local last = int(now - keep.age * 1000)
		local most = bull and -1 or keep.limit or 1000
		for _, id in ipairs(call('ZREVRANGEBYSCORE', set, last, '-inf', 'LIMIT', 0, most)) do
			remove(id)
			call('ZREM', set, id)
		end
	end
	if keep.count and keep.count > 0 then
		for _, id in ipairs(call('ZREVRANGE', set, keep.count, -1)) do
			remove(id)
		end
		call('ZREMRANGEBYRANK', set, 0, -(keep.count + 1))
	end
end

-- Whose job is done no longer stands in the way of the same deduplication id;
-- with keepLastIfActive what was added meanwhile becomes a job now.
local function end_deduplication(id, dedup, token)
	local key = P .. 'de:' .. dedup
	local ttl = call('PTTL', key)
	if ttl == 0 or (ttl == -1 and (bull or call('GET', key) == id)) then
		call('DEL', key)
	end
	local next_key = P .. 'dn:' .. dedup
	if bull or call('EXISTS', next_key) == 0 then
		return
	end
	local n = call('HMGET', next_key, 'name', 'data', 'opts', 'pk', 'pd', 'pdk', 'rjk', 'jid')
	local o = decode(n[3])
	local counter = call('INCR', P .. 'id')
	local new = n[8] or int(counter)
	local de = type(o.de) == 'table' and o.de or {}
	if not de.keepLastIfActive and number(de.ttl) and de.ttl > 0 then
		call('SET', key, new, 'PX', int(de.ttl))
	else
		call('SET', key, new)
	end
	local more = {'deid', dedup}
	for i, field in pairs({[4] = 'parentKey', [5] = 'parent', [7] = 'rjk'}) do
		if n[i] then
			more[#more + 1] = field
			more[#more + 1] = n[i]
		end
	end
	store(new, n[1] or '', n[2] or '{}', n[3] or '{}', o, counter, token, more)
	if n[6] then
		call('SADD', n[6], P .. new)
	end
	call('DEL', next_key)
end

-- What finish needs of the hash, in one read: opts, timestamp, parentKey,
-- parent, deid.
local function read_ending(id)
	return call('HMGET', P .. id, 'opts', 'timestamp', 'parentKey', 'parent', 'deid')
end

-- One more, also when what stands there is no number.
local function count_up(key, field)
	local n = redis.pcall('HINCRBY', key, field, 1)
	if type(n) == 'number' then
		return n
	end
	n = (text_number(call('HGET', key, field)) or 0) + 1
	call('HSET', key, field, int(n))
	return n
end

-- One more in the counts of this minute, as a worker does that keeps so many
-- minutes of them; strange values of others count as none.
local function count_minute(how, most)
	local key = P .. 'metrics:' .. how
	local data = key .. ':data'
	local count = call('HINCRBY', key, 'count', 1) - 1
	local m = call('HMGET', key, 'prevTS', 'prevCount')
	local last = text_number(m[1])
	if not last then
		call('HSET', key, 'prevTS', int(now), 'prevCount', 0)
		return
	end
	local n = math.min(math.floor(now / 60000) - math.floor(last / 60000), most)
	if n <= 0 then
		return
	end
	call('LPUSH', data, int(count - (text_number(m[2]) or 0)))
	-- Minutes in which nothing ended.
	local zeros = {}
	for i = 2, n do
		zeros[#zeros + 1] = '0'
		if #zeros == 5000 or i == n then
			call('LPUSH', data, unpack(zeros))
			zeros = {}
		end
	end
	call('LTRIM', data, 0, most - 1)
	call('HSET', key, 'prevCount', int(count), 'prevTS', int(now))
end

-- The job is out of active (release) and becomes finished.  f: read_ending;
-- metrics: how many minutes of counts are kept, 0 none.
local function finish(id, how, value, opts, token, f, metrics)
	local key, set = P .. id, P .. how
	local keep = keep_rule(how == 'completed' and opts.removeOnComplete or
	    how == 'failed' and opts.removeOnFail)
	local made
	if f[5] then
		end_deduplication(id, f[5], token)
	end
	if not bull then
		if f[3] then
			tell_parent(key, f[3], decode(f[4]), how, value)
		end
		made = count_up(key, 'atm')
	end
	if keep.count == 0 then
		remove(id)
	else
		call('ZADD', set, now, id)
		call('HSET', key, how == 'completed' and 'returnvalue' or 'failedReason', value,
		    'finishedOn', int(now))
		if how == 'failed' then
			call('HDEL', key, 'defa')
		end
		prune(set, keep)
	end
	if metrics > 0 then
		pcall(count_minute, how, metrics)
	end
	if bull then
		-- The JSON text of a result is itself put in as a JSON string.
		publish(how, '{"jobId":' .. cjson.encode(id) .. ',"val":' .. cjson.encode(value) .. '}')
		return
	end
	emit(P, how, 'jobId', id, how == 'completed' and 'returnvalue' or 'failedReason', value,
	    'prev', 'active')
	if how == 'failed' and made >= (number(opts.attempts) or 0) then
		emit(P, 'retries-exhausted', 'jobId', id, 'attemptsMade', int(made))
	end
	if call('LLEN', P .. 'wait') == 0 and call('LLEN', P .. 'active') == 0 and
	    call('ZCARD', P .. 'prioritized') == 0 then
		emit(P, 'drained')
	end
end
