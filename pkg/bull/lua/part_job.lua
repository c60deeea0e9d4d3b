-- A job as our side reads it: {id, token, bytes left out, repeat word, repeat
-- detail, then these fields in this order, absent ones nil}.  The C side has
-- the same list (bull_job.c).
local FIELDS = {'name', 'data', 'opts', 'timestamp', 'delay', 'priority',
    'attemptsMade', 'atm', 'ats', 'stc', 'stalledCounter', 'processedOn',
    'retriedOn', 'parentKey', 'rjk', 'deid', 'defa'}

-- nil: there is no such hash (also when the key is something else).  A field of more than max bytes is left out and
-- counted: 10 MB of data must be failed by whoever reads this, not carried.
-- *size: how many bytes were read.
local function read_job(id, max)
	local key = P .. id
	local big, names, size = 0, FIELDS, 0
	for i = 2, 3 do
		local n = redis.pcall('HSTRLEN', key, FIELDS[i])
		if type(n) ~= 'number' then
			return nil
		end
		if n > max then
			if names == FIELDS then
				names = {unpack(FIELDS)}
			end
			big = big + n
			names[i] = ''
		end
	end
	local f = call('HMGET', key, unpack(names))
	local any = big > 0
	for i = 1, #FIELDS do
		if f[i] then
			any = true
			if #f[i] > max then
				big = big + #f[i]
				f[i] = false
			else
				size = size + #f[i]
			end
		end
	end
	if not any and call('EXISTS', key) == 0 then
		return nil
	end
	return f, big, size
end
