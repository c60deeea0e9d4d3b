-- use base release store finish
-- Jobs are completed with their results, each as if it were alone.
--   ARGV: token, minutes of metrics, then of each job: id, lease, timestamp,
--   result (JSON text)
-- {'completed', {answer ...}}, in that order, each of them
-- {'done'}; {'children'}: it waits for children of its own (BullMQ);
-- {'children-failed'}; else as release says: {'gone'}, {'others', token},
-- {'completed'} (also after a lost reply) ...
local token, metrics = ARGV[2], tonumber(ARGV[3])

local function complete(id, lease, stamp, value)
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
	finish(id, 'completed', value, decode(f[1]), token, f, metrics)
	return {'done'}
end

local answers = {}
for i = 4, #ARGV, 4 do
	answers[#answers + 1] = complete(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return {'completed', answers}
