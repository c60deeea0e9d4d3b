-- use base release store finish
-- A job is completed with a result.
--   ARGV: id, lease, timestamp, token, result (JSON text)
-- {'done'}; {'children'}: it waits for children of its own (BullMQ);
-- {'children-failed'}; else as release says: {'gone'}, {'others', token},
-- {'completed'} (also after a lost reply) ...
local id, lease, stamp, token, value = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local key = P .. id
local f = read_ending(id)

if not bull and f[2] then
	if call('SCARD', key .. ':dependencies') > 0 then
		return {'children'}
	end
	if call('ZCARD', key .. ':unsuccessful') > 0 then
		return {'children-failed'}
	end
end
local no = release(id, lease, stamp, f[2])
if no then
	return no
end
finish(id, 'completed', value, decode(f[1]), token, f)
return {'done'}
