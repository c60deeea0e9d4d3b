-- use base
-- A running job tells how far it is.
--   ARGV: id, timestamp, progress (JSON text)
-- {'done'}, {'gone'}
local id, value = ARGV[2], ARGV[4]
if not is_same(id, ARGV[3]) then
	return {'gone'}
end
call('HSET', P .. id, 'progress', value)
if bull then
	publish('progress', '{"jobId":' .. cjson.encode(id) .. ',"progress":' .. value .. '}')
else
	emit(P, 'progress', 'jobId', id, 'data', value)
end
return {'done'}
