-- Writes a new job and puts it to where it belongs, as a producer does.
-- opts is JSON text, o the same as a table; more: further fields of the hash.
-- The caller has drawn the counter (INCR id) and knows that the id is free.
local function store(id, name, data, opts, o, counter, token, more)
	local key = P .. id
	local delay = number(o.delay) or 0
	local priority = number(o.priority) or 0
	call('HSET', key, 'name', name, 'data', data, 'opts', opts,
	    'timestamp', int(now), 'delay', int(delay), 'priority', int(priority),
	    unpack(more))
	if not bull then
		emit(P, 'added', 'jobId', id, 'name', name)
	end
	if delay > 0 then
		put_delayed(id, now + delay, counter)
		return
	end
	enqueue(P, id, o.lifo == true and 'RPUSH' or 'LPUSH')
	if bull then
		publish('waiting@' .. token, id)
	else
		emit(P, 'waiting', 'jobId', id)
	end
end
