-- use base release
-- A job is put off until a time; no try is counted.
--   ARGV: id, lease, timestamp, due in ms, now in ms, both by the caller's clock
-- {'done', due}, else as release says: {'delayed'} after a lost reply
-- Where that clock is wrong, the job would come back at once, again and again,
-- or hours late: it waits as long by ours.  Seconds are those of the way here.
local id, ours = ARGV[2], tonumber(ARGV[6])
local off = math.abs(now - ours) > 15000 and now - ours or 0
local due = math.max(tonumber(ARGV[5]) + off, now + 1)
local no = release(id, ARGV[3], ARGV[4])
if no then
	return no
end
if not bull then
	call('HSET', P .. id, 'delay', int(due - now))
end
put_delayed(id, due, id_bits(id))
return {'done', due}
