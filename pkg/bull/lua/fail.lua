-- use base release store finish
-- A try failed: again now, again later, or never, by the job's own attempts and
-- backoff.
--   ARGV: id, lease, timestamp, tries at the take, token, reason (text), stack
--   (text, '' none), 'final' or 'retry', random number 0..1 for jitter, delay in
--   ms instead of the job's backoff (-1: the job's), minutes of metrics
-- {'done', 'failed'}, {'done', 'retried'} (it waits), {'done', 'delayed', due}
-- {'already', where}: this try was counted before (a lost reply)
-- {'backoff', type}: a function of the producer's, unknown here; nothing changed
-- else as release says
local id, lease, stamp, tried, token = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local reason, stack, how = ARGV[7], ARGV[8], ARGV[9]
local random, fixed = tonumber(ARGV[10]), tonumber(ARGV[11])
local key = P .. id
local f = read_ending(id)
local opts = decode(f[1])
local made = tries(key)

if is_same(id, stamp) and call('GET', key .. ':lock') ~= lease and made > tried then
	return {'already', whereabouts(id)}
end

-- How long to wait before try n + 1; nil: there is none; or the word of a type
-- that is not known here.
local function backoff(n)
	if how == 'final' or n >= (number(opts.attempts) or (bull and 1 or 0)) then
		return nil
	end
	if fixed >= 0 then
		return fixed
	end
	local b = opts.backoff
	if type(b) == 'number' then
		b = {type = 'fixed', delay = b}
	elseif type(b) ~= 'table' then
		return 0
	end
	local delay, jitter = number(b.delay) or 0, not bull and number(b.jitter) or 0
	if b.type == 'exponential' then
		local factor = bull and 2 ^ n - 1 or 2 ^ (n - 1)
		delay = math.floor(factor * delay + 0.5)
	elseif b.type ~= 'fixed' then
		return nil, tostring(b.type)
	end
	if jitter > 0 then
		delay = math.floor(random * delay * jitter + delay * (1 - jitter))
	end
	-- 2^n grows beyond all time; 30 years are never, too.
	return math.max(math.min(math.floor(delay), 1e12), 0)
end

local delay, unknown = backoff(made + 1)
if unknown then
	return {'backoff', unknown}
end
local traces = decode(call('HGET', key, 'stacktrace'))
local no = release(id, lease, stamp, f[2])
if no then
	return no
end
if stack ~= '' then
	traces[#traces + 1] = stack
end
local most = number(opts.stackTraceLimit)
while most and #traces > 0 and #traces > most and (most > 0 or not bull) do
	table.remove(traces, 1)
end
call('HSET', key, 'failedReason', reason,
    'stacktrace', #traces > 0 and cjson.encode(traces) or '[]')
if bull then
	call('HSET', key, 'attemptsMade', int(made + 1))
end
if not delay then
	finish(id, 'failed', reason, opts, token, f, tonumber(ARGV[12]))
	return {'done', 'failed'}
end
if not bull then
	count_up(key, 'atm')
end
if delay > 0 then
	if not bull then
		call('HSET', key, 'delay', int(delay))
	end
	put_delayed(id, now + delay, id_bits(id))
	return {'done', 'delayed', now + delay}
end
enqueue(P, id, opts.lifo == true and 'RPUSH' or 'LPUSH')
if not bull then
	emit(P, 'waiting', 'jobId', id, 'prev', 'active')
end
return {'done', 'retried'}
