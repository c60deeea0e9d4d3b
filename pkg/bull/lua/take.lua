-- use base mark store due job repeat
-- Takes up to n jobs in the library's own order, locks them for us and reads
-- them; one script, so that no job is ever ours without a lock.
--   ARGV: n, token, lock ms, max bytes of a field, max bytes of all, worker's
--   name, '1' when 'drained' is still to be told, the latest delivery that our
--   side knows of (0: none), and, as a worker has them, its limiter's max (0: it
--   has none) and duration in ms
-- {word, now, when the next delayed one is due, wait ms, ghosts, {job ...},
--  1 when nothing is left that waits}
--   word: 'taken' (also fewer than n), 'empty', 'paused', 'full' (BullMQ's
--   global concurrency), 'limited' (a rate limit, for wait ms)
--
-- Place for the claims of number and organisation across hosts (DESIGN 9):
-- between reading the next id (pop) and locking it, a claim key in this
-- queue's slot is set for the job's number and organisation, without expiry.
-- A job whose claim another host holds is put back behind and not counted as
-- taken; therefore the job is read (read_job) before it is locked.
local n = tonumber(ARGV[2])
local token, lock_ms = ARGV[3], ARGV[4]
local max, max_all, name = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

local function answer(word, wait, ghosts, jobs)
	return {#jobs > 0 and 'taken' or word, now, next_due(), wait, ghosts, jobs,
	    word == 'empty' and 1 or 0}
end

local meta = {}
if not bull then
	meta = call('HMGET', P .. 'meta', 'paused', 'concurrency', 'max', 'duration')
	promote(token)
end
if is_paused(P) then
	return answer('paused', 0, 0, {})
end
local most_active = tonumber(meta[2] or nil)

-- The rate limit: the queue's own (BullMQ: meta), else what a worker of this
-- queue was told, as we were.  What lies in Redis of a worker's is only how many
-- were started in the window that is open, never how many may be; those of ours
-- count in it either way, so that whoever keeps the limit sees them.
local LIMITER, own = P .. 'limiter', tonumber(ARGV[10])
local most = text_number(meta[3]) or (own > 0 and own or nil)
local duration = own > 0 and tonumber(ARGV[11]) or math.abs(text_number(meta[4]) or 0)
local used, window = text_number(call('GET', LIMITER)) or 0, 0
if used > 0 then
	window = call('PTTL', LIMITER)
	if window == 0 then
		call('DEL', LIMITER)
		used = 0
	end
end

-- Milliseconds until it lets one more start.  A worker that was told to slow
-- down sets the counter without a limit.
local function limited()
	return used >= (most or 9007199254740991) and math.max(window, 0) or 0
end

local function count_start()
	if not most and window <= 0 then
		return
	end
	local n = redis.pcall('INCR', LIMITER)
	used = type(n) == 'number' and n or used
	if n == 1 then
		window = math.max(math.floor(duration), 1)
		call('PEXPIRE', LIMITER, window)
	end
end

-- A job that Bull's own workers put off for their limit is one of theirs no
-- longer; left in their set it would put off all others for ever.
local limited_ones = bull and call('EXISTS', LIMITER .. ':index') == 1
local function leave_limited(id)
	local set = limited_ones and call('HGET', LIMITER .. ':index', id)
	if set then
		call('SREM', set, id)
		call('HDEL', LIMITER .. ':index', id)
	end
end

-- The next job's id, in active now.
local function pop()
	local id = call('RPOPLPUSH', P .. 'wait', P .. 'active')
	-- BullMQ 4 and older left marks like "0:17..." among the ids.
	while id and not bull and string.sub(id, 1, 2) == '0:' do
		call('LREM', P .. 'active', 1, id)
		id = call('RPOPLPUSH', P .. 'wait', P .. 'active')
	end
	if id or bull then
		return id
	end
	local first = call('ZPOPMIN', P .. 'prioritized')
	if first[1] then
		call('LPUSH', P .. 'active', first[1])
		return first[1]
	end
	call('DEL', P .. 'pc')
end

local at = time[1] * 1000000 + time[2]
local jobs, ghosts, size, word, wait = {}, 0, 0, 'taken', 0
while #jobs < n and size < max_all and ghosts < 1000 do
	wait = limited()
	if wait > 0 then
		word = 'limited'
		break
	end
	if most_active and call('LLEN', P .. 'active') >= most_active then
		word = 'full'
		break
	end
	local id = pop()
	if not id then
		word = 'empty'
		break
	end
	local key = P .. id
	local f, big, read = read_job(id, max)
	if not f then
		-- A ghost: its hash was evicted or removed.  The libraries would
		-- run it as a job without a name.
		call('LREM', P .. 'active', 1, id)
		ghosts = ghosts + 1
	else
		-- Ours and this delivery's alone: two deliveries of one job must
		-- be told apart even when one process takes both.
		local lease = token .. ':' .. int(at) .. '.' .. #jobs
		call('SET', key .. ':lock', lease, 'PX', lock_ms)
		if bull or not f[17] then
			count_start()
		end
		if bull then
			call('ZREM', P .. 'priority', id)
			leave_limited(id)
			publish('active@' .. token, id)
			call('HSET', key, 'processedOn', int(now))
		else
			emit(P, 'active', 'jobId', id, 'prev', 'waiting')
			f[9] = int((text_number(f[9]) or 0) + 1)
			if name ~= '' then
				call('HSET', key, 'processedOn', int(now), 'ats', f[9], 'pb', name)
			else
				call('HSET', key, 'processedOn', int(now), 'ats', f[9])
			end
		end
		f[12] = int(now)
		local again, detail = arm_next(id, f, token)
		jobs[#jobs + 1] = {id, lease, big, again, detail, unpack(f, 1, #FIELDS)}
		size = size + read
	end
end
if #jobs > 0 then
	remember(token, at, tonumber(ARGV[9]))
end
if bull and word == 'empty' and (#jobs > 0 or ARGV[8] == '1') then
	publish('drained', '')
elseif not bull and #jobs > 0 then
	-- The mark that woke somebody is used up; there may be more.
	call('ZADD', P .. 'marker', 0, '0')
end
return answer(word, wait, ghosts, jobs)
