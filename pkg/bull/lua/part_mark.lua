-- The mark of our token says what this Redis remembers of our takes:
-- "FIRST:LAST", microseconds as in our leases.  All takes from the first to the
-- last lie behind it, so a job of theirs that is not there was removed; of any
-- other nobody can tell: this Redis lost its memory since, or is another one.
-- It outlives queue.obliterate(), and goes with all that an empty or an older
-- Redis does not have.
local function mark_of(token)
	return P .. 'dsrun:' .. token
end

local function delivery(lease)
	return tonumber(string.match(lease, ':(%d+)%.%d+$') or nil) or 0
end

local function marked(token)
	local first, last = string.match(call('GET', mark_of(token)) or '', '^(%d+):(%d+)$')
	return tonumber(first or nil), tonumber(last or nil)
end

local function remembers(token, lease)
	local first, last = marked(token)
	local at = delivery(lease)
	return first ~= nil and at >= first and at <= last
end

-- A take, at that time; known: the latest that our side knows of.  90 days
-- after the last one nothing is left of it.
local function remember(token, at, known)
	local first, last = marked(token)
	if not first or last < known then
		first, last = math.max(at, known + 1), 0
	end
	call('SET', mark_of(token), int(first) .. ':' .. int(math.max(at, last, first)), 'PX', 7776000000)
end
