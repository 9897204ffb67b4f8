-- Conventions of this library. KEYS[1] is the shard's tag, "{s0a}"; every other key is built from it, so a
-- call stays in one slot. All checks come before the first write: nothing here rolls back. Functions carry
-- their version in their name; a new version stands beside the old one until gateways have drained.
-- What a file defines with `local` is its own; what it defines without is for every file, and declared by the loader.

-- Registers a function that ends, settles or frees something. It runs where memory is used up as well: nothing else
-- could ever free any there.
function register_settling(name, callback)
  redis.register_function{ function_name = name, callback = callback, flags = { 'allow-oom' } }
end

-- The server's clock, UTC milliseconds.
function clock_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Writes a fact for SQL and the ledger; `id` is the same however often the fact is told.
function tell_outbox(tag, id, kind, key, room, at_ms, data)
  redis.call('XADD', tag .. ':outbox', '*',
    'id', id, 'type', kind, 'key', key, 'room', room, 'at_ms', at_ms, 'data', data)
end

-- Publishes one JSON document to every gateway that serves the room.
function publish(tag, room, document)
  redis.call('SPUBLISH', tag .. ':room:' .. room, document)
end

-- Adds one event (a JSON object without its offset) to a room's log and tells gateways and outbox.
-- The log's entry id is the offset, so a range of the stream is a range of offsets.
function append_event(tag, room, at_ms, kind, event)
  local room_key = tag .. ':room:' .. room
  local offset = redis.call('HINCRBY', room_key, 'offset', 1)
  local epoch = redis.call('HGET', room_key, 'epoch')
  local placed = string.sub(event, 1, -2) .. ',"offset":' .. string.format('%d', offset) .. '}'
  redis.call('XADD', tag .. ':log:' .. room, string.format('%d-0', offset), 'event', placed)
  tell_outbox(tag, room .. ':' .. epoch .. ':' .. string.format('%d', offset), 'room.' .. kind, room, room, at_ms, placed)
  publish(tag, room, '{"k":"control","epoch":"' .. epoch .. '","offset":' .. string.format('%d', offset)
    .. ',"event":' .. placed .. '}')
  return offset
end

-- The stored answer of an operation that already ran, or false. Answers are kept for a day.
function earlier_answer(tag, operation)
  return redis.call('GET', tag .. ':op:' .. operation)
end

function keep_answer(tag, operation, answer)
  redis.call('SET', tag .. ':op:' .. operation, answer, 'EX', 86400)
  return answer
end
