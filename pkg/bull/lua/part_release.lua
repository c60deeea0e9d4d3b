-- Takes a job out of active for whoever moves it on.  nil: it is out, its lock
-- is gone, the script goes on.  Otherwise nothing was changed, and this is the
-- script's answer: {'gone'}, {'others', their token} or {where it is}.
--
-- A job in active without a lock is nobody's (every taker locks, and a stalled
-- check takes it out of active): we may still move it, for our lock only ran
-- out.  The first write is a DEL or LREM, so that Redis lets the script work
-- when its memory is full.
-- added: the hash's timestamp when the script has read it, false when it has
-- none.
local function release(id, token, stamp, added)
	if added ~= stamp and not is_same(id, stamp) then
		return {'gone'}
	end
	local lock = P .. id .. ':lock'
	local held = call('GET', lock)
	if held and held ~= token then
		return {'others', held}
	end
	if call('LREM', P .. 'active', -1, id) == 0 then
		return {whereabouts(id)}
	end
	call('DEL', lock)
	call('SREM', P .. 'stalled', id)
end
