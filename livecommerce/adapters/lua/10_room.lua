-- room_create_v1 {tag} room epoch state
-- Creates a room's live state. Answers the epoch that holds, the given one or an earlier creator's.
redis.register_function('room_create_v1', function(keys, args)
  local key = keys[1] .. ':room:' .. args[1]
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'epoch', args[2], 'offset', 0, 'state', args[3], 'state_offset', 0)
  end
  return redis.call('HGET', key, 'epoch')
end)

-- room_append_v1 {tag} room operation epoch expected_offset state (kind event)...
-- Compare and append: adds events if the room is still at the expected offset, and stores the state folded up
-- to them. Answers {"ok", last_offset}, {"stale", offset} or {"gone"}. The same operation twice answers the same.
redis.register_function('room_append_v1', function(keys, args)
  local tag, room, operation = keys[1], args[1], args[2]
  local earlier = earlier_answer(tag, operation)
  if earlier then
    return { 'ok', tonumber(earlier) }
  end
  local key = tag .. ':room:' .. room
  local stored = redis.call('HMGET', key, 'epoch', 'offset')
  if not stored[1] then
    return { 'gone' }
  end
  local offset = tonumber(stored[2])
  if stored[1] ~= args[3] or offset ~= tonumber(args[4]) then
    return { 'stale', offset }
  end
  local at_ms = clock_ms()
  for index = 6, #args, 2 do
    offset = append_event(tag, room, at_ms, args[index], args[index + 1])
  end
  redis.call('HSET', key, 'state', args[5], 'state_offset', offset)
  redis.call('XTRIM', tag .. ':log:' .. room, 'MAXLEN', '~', 2000)
  keep_answer(tag, operation, string.format('%d', offset))
  return { 'ok', offset }
end)

-- room_renew_v1 {tag} room epoch new_epoch
-- Begins a new epoch if the room is still in the given one. Answers the epoch that holds, or nil where there is no room.
register_settling('room_renew_v1', function(keys, args)
  local key = keys[1] .. ':room:' .. args[1]
  local epoch = redis.call('HGET', key, 'epoch')
  if epoch == args[2] then
    redis.call('HSET', key, 'epoch', args[3])
    return args[3]
  end
  return epoch
end)

-- room_load_v1 {tag} room count
-- Everything a cold gateway needs in one consistent read: {epoch, offset, state, state_offset, the last events}.
-- Functions that sell append events without folding them, so the state can be older than the log.
redis.register_function{
  function_name = 'room_load_v1',
  callback = function(keys, args)
    local stored = redis.call('HMGET', keys[1] .. ':room:' .. args[1], 'epoch', 'offset', 'state', 'state_offset')
    if not stored[1] then
      return {}
    end
    local unfolded = tonumber(stored[2]) - tonumber(stored[4])
    local newest = redis.call('XREVRANGE', keys[1] .. ':log:' .. args[1], '+', '-',
      'COUNT', math.max(unfolded, tonumber(args[2]), 1))
    local events = {}
    for index = #newest, 1, -1 do
      events[#newest - index + 1] = newest[index][2][2]
    end
    return { stored[1], tonumber(stored[2]), stored[3], tonumber(stored[4]), events }
  end,
  flags = { 'no-writes' },
}

-- room_since_v1 {tag} room epoch offset
-- The events after an offset, oldest first, or nil where the log begins later or the epoch is another.
redis.register_function{
  function_name = 'room_since_v1',
  callback = function(keys, args)
    local stored = redis.call('HMGET', keys[1] .. ':room:' .. args[1], 'epoch', 'offset')
    local missed = (tonumber(stored[2]) or 0) - tonumber(args[3])
    if stored[1] ~= args[2] or missed < 0 then
      return false
    end
    local entries = redis.call('XRANGE', keys[1] .. ':log:' .. args[1],
      string.format('%d-0', tonumber(args[3]) + 1), '+')
    if #entries < missed then
      return false
    end
    local events = {}
    for index, entry in ipairs(entries) do
      events[index] = entry[2][2]
    end
    return events
  end,
  flags = { 'no-writes' },
}

-- A gateway's heartbeat for one room: how many watch there, and the hearts since its last beat. Answers the
-- totals {viewers, likes}, or false for a room that is not there, of which nothing is written. A node that has been
-- silent for longer than silent_ms no longer counts.
local function beat(keys, args)
  if redis.call('EXISTS', keys[1] .. ':room:' .. args[1]) == 0 then
    return false
  end
  local presence = keys[1] .. ':presence:' .. args[1]
  local now, silent_ms = clock_ms(), tonumber(args[5] or 2000)
  redis.call('HSET', presence, args[2], args[3] .. ' ' .. string.format('%d', now))
  local viewers = 0
  local nodes = redis.call('HGETALL', presence)
  for index = 1, #nodes, 2 do
    local count, seen = string.match(nodes[index + 1], '(%d+) (%d+)')
    if now - tonumber(seen) <= silent_ms then
      viewers = viewers + tonumber(count)
    else
      redis.call('HDEL', presence, nodes[index])
    end
  end
  local likes = redis.call('HINCRBY', keys[1] .. ':room:' .. args[1], 'likes', args[4])
  return { viewers, likes }
end

-- room_beat_v2 {tag} room node viewers likes silent_ms
-- See above.
redis.register_function('room_beat_v2', beat)

-- room_beat_v1 {tag} room node viewers likes
-- For gateways that cannot read false.
redis.register_function('room_beat_v1', function(keys, args)
  return beat(keys, args) or { 0, 0 }
end)

-- Whether a room is where the caller believes it to be; every event that a call appends itself is checked so.
function room_refusal(tag, room, epoch, expected_offset)
  local stored = redis.call('HMGET', tag .. ':room:' .. room, 'epoch', 'offset')
  if not stored[1] then
    return { 'no', 'room_not_found' }
  end
  if stored[1] ~= epoch or tonumber(stored[2]) ~= tonumber(expected_offset) then
    return { 'no', 'stale', 'offset', tonumber(stored[2]) }
  end
  return nil
end
