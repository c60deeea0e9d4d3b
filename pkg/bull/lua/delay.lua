-- use base release
-- A job is put off until a time; no try is counted.
--   ARGV: id, lease, timestamp, due in ms
-- {'done', due}, else as release says: {'delayed'} after a lost reply
local id, due = ARGV[2], math.max(tonumber(ARGV[5]), now + 1)
local no = release(id, ARGV[3], ARGV[4])
if no then
	return no
end
if not bull then
	call('HSET', P .. id, 'delay', int(due - now))
end
put_delayed(id, due, id_bits(id))
return {'done', due}
