-- A job that repeats lives on only because whoever takes one iteration adds the
-- next.  every: added here, in the same script as the take, so that no crash
-- ends a schedule.  Cron patterns need a calendar with zones: refused, the
-- answer says so and the caller decides.
--
-- Words: '' it does not repeat; 'armed' the next is there (detail: its id);
-- 'ended' by limit or end date; 'removed' the schedule is gone; 'cron' (detail:
-- the pattern), 'legacy' and 'unreadable': not added.

-- A date as JSON has it: milliseconds, or ISO 8601 in UTC.  nil: neither.
local function date_ms(v)
	if type(v) == 'number' then
		return v
	end
	if type(v) ~= 'string' then
		return nil
	end
	local y, m, d, rest = string.match(v, '^(%d%d%d%d)-(%d%d)-(%d%d)(.*)$')
	if not y then
		return nil
	end
	local hh, mm, ss, ms = 0, 0, 0, 0
	if rest ~= '' then
		hh, mm, ss, ms = string.match(rest, '^T(%d%d):(%d%d):(%d%d)%.?(%d*)Z$')
		if not hh then
			return nil
		end
		ms = ms == '' and 0 or tonumber(string.sub(ms .. '00', 1, 3))
	end
	y, m, d = tonumber(y), tonumber(m), tonumber(d)
	-- Days since 1970 of a civil date, the year beginning in March.
	if m <= 2 then
		y = y - 1
	end
	local era = math.floor(y / 400)
	local of_year = math.floor((153 * ((m + 9) % 12) + 2) / 5) + d - 1
	local of_era = (y - era * 400) * 365 + math.floor((y - era * 400) / 4) -
	    math.floor((y - era * 400) / 100) + of_year
	return ((era * 146097 + of_era - 719468) * 86400 + hh * 3600 + mm * 60 + ss) * 1000 + ms
end

local function is_over(r)
	if number(r.limit) and (number(r.count) or 0) + 1 > r.limit then
		return 'ended'
	end
	if r.endDate ~= nil and r.endDate ~= cjson.null then
		local last = date_ms(r.endDate)
		if not last then
			return 'unreadable'
		end
		if now > last then
			return 'ended'
		end
	end
end

-- The next iteration's job; what its opts have besides is kept.
local function add_next(id, name, data, o, delay, next_id, token, more)
	local counter
	if call('EXISTS', P .. next_id) == 1 then
		if bull then
			publish('duplicated@' .. token, next_id)
		else
			emit(P, 'duplicated', 'jobId', next_id)
		end
		return
	end
	counter = call('INCR', P .. 'id')
	o['repeat'].count = (number(o['repeat'].count) or 0) + 1
	o.jobId = next_id
	o.delay = delay
	o.timestamp = now
	store(next_id, name, data, cjson.encode(o), o, counter, token, more)
end

local function repeat_bull(id, f, o, token)
	local r = o['repeat']
	local schedule = type(r.key) == 'string' and r.key
	local base = string.match(id, '^(repeat:%x+:)%d+$')
	if not schedule or not base or not f[2] then
		return 'unreadable', ''
	end
	local stands = text_number(call('ZSCORE', P .. 'repeat', schedule))
	if not stands then
		return 'removed', ''
	end
	-- Somebody was here before (a stalled or adopted job), and the next one
	-- is there: another would be one too many.
	local prev = number(o.prevMillis) or 0
	if stands > prev and call('EXISTS', P .. base .. int(stands)) == 1 then
		return 'armed', base .. int(stands)
	end
	local at = math.max(prev, now)
	local due = math.floor(at / r.every) * r.every + r.every
	call('ZADD', P .. 'repeat', int(due), schedule)
	o.prevMillis = due
	add_next(id, f[1] or '__default__', f[2], o, math.max(due - now, 0), base .. int(due),
	    token, {})
	return 'armed', base .. int(due)
end

-- The next time of a scheduler, aligned to its offset when some were missed.
local function next_slot(prev, every, offset)
	local due = prev + every
	if due < now then
		due = math.floor(now / every) * every + offset
		if due <= now then
			due = due + every
		end
	end
	return math.floor(due)
end

local function repeat_bullmq(id, f, o, schedule, token)
	local prev = text_number(call('ZSCORE', P .. 'repeat', schedule))
	if not prev then
		return 'removed', ''
	end
	local key = P .. 'repeat:' .. schedule
	local s = call('HMGET', key, 'name', 'data', 'every', 'offset', 'ic')
	if not s[5] then
		return 'legacy', ''
	end
	local every = text_number(s[3] or o['repeat'].every)
	if not every or every <= 0 then
		return 'unreadable', ''
	end
	local due = next_slot(prev, every, text_number(s[4]) or 0)
	local next_id = 'repeat:' .. schedule .. ':' .. int(due)
	-- Not the iteration that the schedule stands at: somebody was here before.
	if id ~= 'repeat:' .. schedule .. ':' .. int(prev) then
		return 'armed', 'repeat:' .. schedule .. ':' .. int(prev)
	end
	if call('EXISTS', P .. next_id) == 0 then
		call('ZADD', P .. 'repeat', int(due), schedule)
		call('HINCRBY', key, 'ic', 1)
	end
	o.repeatJobKey = schedule
	add_next(id, s[1] or f[1] or '', s[2] or (not six and f[2]) or '{}', o,
	    math.max(due - now, 0), next_id, token, {'rjk', schedule})
	if not six then
		call('HSET', P .. id, 'nrjid', next_id)
	end
	return 'armed', next_id
end

local function try_to_arm(id, f, token)
	local schedule = not bull and f[15]
	if not schedule and not (f[3] and string.find(f[3], '"repeat"', 1, true)) then
		return '', ''
	end
	local o = decode(f[3])
	local r = o['repeat']
	if type(r) ~= 'table' then
		return schedule and 'unreadable' or '', ''
	end
	if not pcall(cjson.encode, o) then
		return 'unreadable', ''
	end
	local pattern = type(r.cron) == 'string' and r.cron or type(r.pattern) == 'string' and r.pattern
	if pattern then
		return 'cron', pattern
	end
	if not schedule and not bull then
		return 'legacy', ''
	end
	if not schedule and not (number(r.every) and r.every > 0) then
		return 'unreadable', ''
	end
	local over = is_over(r)
	if over then
		return over, ''
	end
	if bull then
		return repeat_bull(id, f, o, token)
	end
	return repeat_bullmq(id, f, o, schedule, token)
end

-- f: the job's fields as read_job gives them; [3] opts, [15] rjk.  Whatever a
-- producer wrote there must not end the script: the job is locked already.
local function arm_next(id, f, token)
	local ok, word, detail = pcall(try_to_arm, id, f, token)
	if ok then
		return word, detail
	end
	return 'unreadable', ''
end
