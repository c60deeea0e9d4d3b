-- use base due
-- How the queue stands.  Only reads.
-- {'look', now, paused, due of the next delayed one, ms of BullMQ's rate limit,
--  wait, prioritized, delayed, active, completed, failed, paused list, waiting-children}
local limit = bull and 0 or math.max(call('PTTL', P .. 'limiter'), 0)
local most = not bull and call('HGET', P .. 'meta', 'max')
local used = tonumber(call('GET', P .. 'limiter') or 0) or 0
if used < (tonumber(most or nil) or 9007199254740991) then
	limit = 0
end
local function size(how, key)
	return call(how, P .. key)
end
return {'look', now, is_paused(P) and 1 or 0, next_due(), limit,
    size('LLEN', 'wait'), bull and 0 or size('ZCARD', 'prioritized'), size('ZCARD', 'delayed'),
    size('LLEN', 'active'), size('ZCARD', 'completed'), size('ZCARD', 'failed'),
    size('LLEN', 'paused'), bull and 0 or size('ZCARD', 'waiting-children')}
