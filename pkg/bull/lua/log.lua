-- use base
-- A line for the job's own log, which dashboards show.  keepLogs of the job
-- bounds it; a line that is the last one already is not written twice.
--   ARGV: id, timestamp, line
-- {'done'}, {'gone'}
local id, line = ARGV[2], ARGV[4]
local logs = P .. id .. ':logs'
if not is_same(id, ARGV[3]) then
	return {'gone'}
end
local opts = decode(call('HGET', P .. id, 'opts'))
local keep = number(opts.kl) or number(opts.keepLogs)
if call('LINDEX', logs, -1) ~= line then
	call('RPUSH', logs, line)
	if keep and keep > 0 then
		call('LTRIM', logs, -keep, -1)
	end
end
return {'done'}
