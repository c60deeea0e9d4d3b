-- use base due
-- Moves delayed jobs that are due to where they wait; only workers do that.
--   ARGV: token
-- {'promoted', now, how many (1,000: call again), when the next is due}
local n = promote(ARGV[2])
local due = next_due()
if bull then
	if due > 0 then
		publish('delayed', int(due))
	end
elseif n > 0 then
	wake(P)
end
return {'promoted', now, n, due}
