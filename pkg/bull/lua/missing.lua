-- use base mark
-- Which jobs that went back are over here: removed, or done by somebody else.
-- Only reads.
--   ARGV: token, then id, lease, timestamp and tries at the take of each
-- {'missing', {...}}: 1 for each that will not come to us again as it was, 0
-- for each that may, or of which this Redis does not remember our take
local token, over = ARGV[2], {}
for i = 3, #ARGV, 4 do
	local id, lease = ARGV[i], ARGV[i + 1]
	local is = 0
	if not remembers(token, lease) then
		is = 0
	elseif not is_same(id, ARGV[i + 2]) or call('ZSCORE', P .. 'completed', id) or
	    tries(P .. id) ~= tonumber(ARGV[i + 3]) then
		is = 1
	end
	over[#over + 1] = is
end
return {'missing', over}
