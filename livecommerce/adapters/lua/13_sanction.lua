-- Sanctions of a room: {t}:sanctions:<room>, a hash of kind:person → sanction JSON, and `v`, the room's version.

-- sanction_v1 {tag} room kind person until_ms sanction(JSON without its version)
-- Keeps a sanction, or forgets it where until_ms is 0, and tells every gateway. Answers the version. In a room that is
-- not there, or no longer, it lasts a day.
register_settling('sanction_v1', function(keys, args)
  local key = keys[1] .. ':sanctions:' .. args[1]
  local v = string.format('%d', redis.call('HINCRBY', key, 'v', 1))
  local document = string.sub(args[5], 1, -2) .. ',"v":' .. v .. '}'
  local field = args[2] .. ':' .. args[3]
  if args[4] == '0' then
    redis.call('HDEL', key, field)
  else
    redis.call('HSET', key, field, document)
  end
  if redis.call('EXISTS', keys[1] .. ':room:' .. args[1]) == 0 then
    redis.call('EXPIRE', key, 86400)
  end
  publish(keys[1], args[1], '{"k":"sanction","sanction":' .. document .. '}')
  return tonumber(v)
end)
