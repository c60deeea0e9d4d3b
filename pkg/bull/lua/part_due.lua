-- Delayed jobs whose time has come go to where they wait, at most 1,000 at
-- once.  Gives how many.
local function promote(token)
	local last = bull and now * 4096 or (now + 1) * 4096 - 1
	local due = call('ZRANGEBYSCORE', P .. 'delayed', 0, int(last), 'LIMIT', 0, 1000)
	for _, id in ipairs(due) do
		call('ZREM', P .. 'delayed', id)
		if call('EXISTS', P .. id) == 1 then
			enqueue(P, id, 'LPUSH')
			call('HSET', P .. id, 'delay', 0)
			if bull then
				publish('waiting@' .. token, id)
			else
				emit(P, 'waiting', 'jobId', id, 'prev', 'delayed')
			end
		end
	end
	return #due
end

-- When the next one is due, in milliseconds; 0: there is none.
local function next_due()
	local first = call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')
	return first[2] and math.floor(tonumber(first[2]) / 4096) or 0
end
