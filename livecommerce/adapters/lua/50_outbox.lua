-- The outbox's readers. Each reader is a consumer group; a record leaves the stream when every group has
-- acknowledged it, never because the stream is long.

-- The first record that some group still needs, or nil where there is no group.
local function first_needed(outbox)
  local first_ms, first_number
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', outbox)) do
    local group = {}
    for index = 1, #flat, 2 do
      group[flat[index]] = flat[index + 1]
    end
    local needed, after = group['last-delivered-id'], 1
    if group['pending'] > 0 then
      needed, after = redis.call('XPENDING', outbox, group['name'])[2], 0
    end
    local ms, number = string.match(needed, '(%d+)-(%d+)')
    ms, number = tonumber(ms), tonumber(number) + after
    if not first_ms or ms < first_ms or (ms == first_ms and number < first_number) then
      first_ms, first_number = ms, number
    end
  end
  return first_ms and string.format('%d-%d', first_ms, first_number)
end

-- outbox_acknowledge_v1 {tag} group position...
-- Marks records as applied by a group, and trims what no group needs any more. Answers how many were marked.
register_settling('outbox_acknowledge_v1', function(keys, args)
  local outbox = keys[1] .. ':outbox'
  local marked = redis.call('XACK', outbox, args[1], unpack(args, 2))
  local needed = first_needed(outbox)
  if needed then
    redis.call('XTRIM', outbox, 'MINID', '=', needed)
  end
  return marked
end)

-- outbox_lag_v1 {tag}
-- {records that some reader still needs, time of the oldest of them in ms or 0}.
redis.register_function{
  function_name = 'outbox_lag_v1',
  callback = function(keys)
    local outbox = keys[1] .. ':outbox'
    local oldest = redis.call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1]
    return { redis.call('XLEN', outbox), oldest and tonumber(string.match(oldest[1], '(%d+)')) or 0 }
  end,
  flags = { 'no-writes' },
}
