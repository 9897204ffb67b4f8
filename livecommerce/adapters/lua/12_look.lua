-- Viewers of a room, added up over the gateways that are not silent.
local function viewers_of(tag, room, now)
  local viewers = 0
  for _, beat in ipairs(redis.call('HVALS', tag .. ':presence:' .. room)) do
    local count, seen = string.match(beat, '(%d+) (%d+)')
    if now - tonumber(seen) <= 2000 then
      viewers = viewers + tonumber(count)
    end
  end
  return viewers
end

-- room_look_v1 {tag} room...
-- What lobby and worker need of each room: {state, events after it, viewers, likes}, false for unknown ones.
redis.register_function{
  function_name = 'room_look_v1',
  callback = function(keys, args)
    local tag, now, answers = keys[1], clock_ms(), {}
    for index, room in ipairs(args) do
      local stored = redis.call('HMGET', tag .. ':room:' .. room, 'state', 'state_offset', 'likes')
      answers[index] = false
      if stored[1] then
        local events = {}
        local tail = redis.call('XRANGE', tag .. ':log:' .. room, string.format('%d-0', tonumber(stored[2]) + 1), '+')
        for number, entry in ipairs(tail) do
          events[number] = entry[2][2]
        end
        answers[index] = { stored[1], events, viewers_of(tag, room, now), tonumber(stored[3] or 0) }
      end
    end
    return answers
  end,
  flags = { 'no-writes' },
}
