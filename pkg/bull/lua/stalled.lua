-- use base release store finish
-- The check for workers that died: who was in active without a lock at the last
-- check too goes back to wait, or, stalled too often, fails.  One check an
-- interval for all workers together (stalled-check).
--   ARGV: how often a job may stall, interval ms, token
-- {'checked' or 'not-yet', {id put back ...}, {id failed ...}}
local most, interval, token = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local back, failed = {}, {}

if call('EXISTS', P .. 'stalled-check') == 1 then
	return {'not-yet', back, failed}
end
call('SET', P .. 'stalled-check', int(now), 'PX', interval)

local REASON = 'job stalled more than allowable limit'

local function put_back(id)
	call('RPUSH', waiting_list(P), id)
	if bull then
		publish('stalled@', id)
	else
		wake(P)
		emit(P, 'waiting', 'jobId', id, 'prev', 'active')
		emit(P, 'stalled', 'jobId', id)
	end
	back[#back + 1] = id
end

-- Bull fails it at once, whatever attempts say.
local function fail_now(id, key)
	local f = call('HMGET', key, 'opts', 'deid')
	local keep = keep_rule(decode(f[1]).removeOnFail)
	if f[2] then
		end_deduplication(id, f[2], token)
	end
	call('ZADD', P .. 'failed', now, id)
	call('HSET', key, 'failedReason', REASON, 'finishedOn', int(now))
	publish('failed', '{"jobId":' .. cjson.encode(id) ..
	    ',"val":"job stalled more than maxStalledCount"}')
	if keep.count == 0 then
		remove(id)
		call('ZREM', P .. 'failed', id)
	else
		prune(P .. 'failed', keep)
	end
	failed[#failed + 1] = id
end

-- BullMQ lets its next taker fail it, and never one of a schedule.
local function is_scheduled(key)
	local schedule = call('HGET', key, 'rjk')
	return schedule and (call('EXISTS', P .. 'repeat:' .. schedule) == 1 or
	    call('ZSCORE', P .. 'repeat', schedule))
end

local marked = call('SMEMBERS', P .. 'stalled')
call('DEL', P .. 'stalled')
for _, id in ipairs(marked) do
	local key = P .. id
	if not bull and string.sub(id, 1, 2) == '0:' then
		call('LREM', P .. 'active', 1, id)
	elseif call('EXISTS', key .. ':lock') == 0 and call('LREM', P .. 'active', 1, id) > 0 and
	    call('TYPE', key).ok == 'hash' then
		local n = count_up(key, bull and 'stalledCounter' or 'stc')
		if n > most and bull then
			fail_now(id, key)
		else
			if n > most and not is_scheduled(key) then
				call('HSET', key, 'defa', REASON)
			end
			put_back(id)
		end
	end
end
local active = call('LRANGE', P .. 'active', 0, -1)
for i = 1, #active, 5000 do
	call('SADD', P .. 'stalled', unpack(active, i, math.min(i + 4999, #active)))
end
return {'checked', back, failed}
