-- use base release
-- A job that was not started is given back: it is the next to be taken, among
-- those of its priority the first (Bull: the last, it can do no other).  No try
-- is counted.
--   ARGV: id, lease, timestamp, token
-- {'done'}, else as release says: {'wait'} after a lost reply
local id = ARGV[2]
local no = release(id, ARGV[3], ARGV[4])
if no then
	return no
end
local priority = text_number(call('HGET', P .. id, 'priority')) or 0
if not bull and priority > 0 then
	call('ZADD', P .. 'prioritized', priority * 4294967296, id)
	wake(P)
else
	enqueue(P, id, 'RPUSH')
end
if bull then
	publish('waiting@' .. ARGV[5], id)
else
	emit(P, 'waiting', 'jobId', id, 'prev', 'active')
end
return {'done'}
