-- use base store job repeat
-- The hashes of jobs that are ours (ours.lua), as a take gives them; whoever
-- died between a take and its journal may not have armed a next iteration of
-- the schedule, and arming twice does nothing.
--   ARGV: token, max bytes of a field, max bytes of all, then id and lease of
--   each
-- {'read', now, {job ...}, how many of the ids were looked at}: what lost its
-- hash or its lock meanwhile is left out
local token, max, max_all = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local jobs, size, seen = {}, 0, 0
for i = 5, #ARGV, 2 do
	if size >= max_all then
		break
	end
	local id, lease = ARGV[i], ARGV[i + 1]
	seen = seen + 1
	if call('GET', P .. id .. ':lock') == lease then
		local f, big, read = read_job(id, max)
		if f then
			local again, detail = arm_next(id, f, token)
			jobs[#jobs + 1] = {id, lease, big, again, detail, unpack(f, 1, #FIELDS)}
			size = size + read
		end
	end
end
return {'read', now, jobs, seen}
