-- use base store
-- Adds a job as a producer does.
--   ARGV: id ('' = the next number), name, data (JSON text), opts (a JSON
--   object's members without its braces, '' none), token
-- {'added', id}, {'known', id}: one with this id is there, whatever it holds
local id, name, data, members, token = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local counter = call('INCR', P .. 'id')
if id == '' then
	id = int(counter)
elseif call('EXISTS', P .. id) == 1 then
	if bull then
		publish('duplicated@' .. token, id)
	else
		emit(P, 'duplicated', 'jobId', id)
	end
	return {'known', id}
end
-- Bull's own opts always have a timestamp; by it the two are told apart.
local opts = '{' .. members .. (bull and (members ~= '' and ',' or '') ..
    '"timestamp":' .. int(now) or '') .. '}'
store(id, name, data, opts, decode(opts), counter, token, {})
return {'added', id}
