-- use base
-- What in active is under a lock of ours, whatever its delivery: what was taken
-- before a crash, or by a take whose reply was lost.  Only reads.
--   ARGV: token
-- {'ours', now, {{id, lease, ms left of the lock} ...}}, the longest taken first
local mine = ARGV[2] .. ':'
local found = {}
local active = call('LRANGE', P .. 'active', 0, -1)
for i = #active, 1, -1 do
	local lock = P .. active[i] .. ':lock'
	local held = call('GET', lock)
	if held and string.sub(held, 1, #mine) == mine then
		found[#found + 1] = {active[i], held, call('PTTL', lock)}
	end
end
return {'ours', now, found}
