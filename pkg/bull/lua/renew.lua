-- use base
-- Renews our locks.  Never SET ... PX as the libraries do: a full Redis refuses
-- that, all locks run out, and everything that runs counts as stalled.  Who ends
-- a job by hand and ignores its lock (moveToFailed(error, true)) leaves that
-- behind: it goes, and the job is not ours.
--   ARGV: lock ms, then id and lease of each
-- {'renewed', {...}}: 1 for each that is still ours, 0 for each that is not
local held = {}
for i = 3, #ARGV, 2 do
	local lock = P .. ARGV[i] .. ':lock'
	local ours = 0
	if call('GET', lock) == ARGV[i + 1] and is_ended(ARGV[i]) then
		call('DEL', lock)
	elseif call('GET', lock) == ARGV[i + 1] then
		call('PEXPIRE', lock, ARGV[2])
		call('SREM', P .. 'stalled', ARGV[i])
		ours = 1
	end
	held[#held + 1] = ours
end
return {'renewed', held}
