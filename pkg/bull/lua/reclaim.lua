-- use base mark
-- A job that our journal holds but whose lock may have run out goes back into
-- active under our lock, if nobody else has had it since.
--   ARGV: id, lease, timestamp and tries as they were at the take, token, lock ms
-- {'ours', lease}: locked by us, under this lease
-- {'others', their token}, {'moved', where}: tried again or finished by
-- somebody: completed, failed, delayed, wait ...
-- {'gone', 'removed'}: by somebody; {'gone', 'lost'}: this Redis never had it,
-- for all it remembers
local id, lease, stamp, tried = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local mine, lock_ms = ARGV[6] .. ':', ARGV[7]
local key = P .. id

if not is_same(id, stamp) then
	return {'gone', remembers(ARGV[6], lease) and 'removed' or 'lost'}
end
local held = call('GET', key .. ':lock')
if held and not is_ended(id) then
	if string.sub(held, 1, #mine) ~= mine then
		return {'others', held}
	end
	call('PEXPIRE', key .. ':lock', lock_ms)
	call('SREM', P .. 'stalled', id)
	return {'ours', held}
end
local where = whereabouts(id)
-- One that waits with another count was taken, failed and put back.
if tries(key) ~= tried or (where ~= 'active' and where ~= 'wait' and where ~= 'paused' and
    where ~= 'prioritized') then
	return {'moved', where}
end
-- Out of wherever it is; the first write is an LREM also when Redis is full.
call('LREM', P .. 'active', 0, id)
if where == 'prioritized' then
	call('ZREM', P .. where, id)
elseif where ~= 'active' then
	call('LREM', P .. where, 0, id)
end
if bull then
	call('ZREM', P .. 'priority', id)
end
call('LPUSH', P .. 'active', id)
call('SET', key .. ':lock', lease, 'PX', lock_ms)
call('SREM', P .. 'stalled', id)
return {'ours', lease}
