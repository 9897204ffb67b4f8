-- Sharing in a room. Nodes and devices are fingerprints, not ids of people.
--   {t}:tree:<room>     node → "parent root depth at_ms", written once: the first touch wins, so nothing can turn in a circle
--   {t}:devices:<room>  device → the node that used it first; "#" and node → how many it has
--   {t}:visits:<room>   node → since when it is here, or "counted"
--   {t}:rewards:<room>  node → the coupon that its friends unlock {t}:figures:<room>  counters

local MAX_CHAIN = 64
-- Devices of one node that are remembered in a room: more than anybody has at hand, and few enough to keep.
local MAX_DEVICES = 10

local function read_place(tag, room, node)
  local stored = redis.call('HGET', tag .. ':tree:' .. room, node)
  if not stored then
    return nil
  end
  local parent, root, depth, at_ms = string.match(stored, '^(%S+) (%S+) (%d+) (%d+)$')
  return { parent = parent, root = root, depth = tonumber(depth), at_ms = tonumber(at_ms) }
end

local function place(tag, room, node, parent, root, depth, at_ms)
  redis.call('HSET', tag .. ':tree:' .. room, node, parent .. ' ' .. root .. ' ' .. int(depth) .. ' ' .. at_ms)
  redis.call('HINCRBY', tag .. ':figures:' .. room, 'depth:' .. int(depth), 1)
end

-- The first who uses a device in a room owns it there; '' if it is nobody's and the node has as many as it may have.
local function device_owner(tag, room, device, node)
  local key = tag .. ':devices:' .. room
  local owner = redis.call('HGET', key, device)
  if owner then
    return owner
  end
  if tonumber(redis.call('HGET', key, '#' .. node) or 0) >= MAX_DEVICES then
    return ''
  end
  redis.call('HSET', key, device, node)
  redis.call('HINCRBY', key, '#' .. node, 1)
  return node
end

-- The nodes above a node, nearest first.
local function nodes_above(tag, room, node)
  local above = {}
  local here = read_place(tag, room, node)
  while here and here.parent ~= '-' and #above < MAX_CHAIN do
    above[#above + 1] = here.parent
    here = read_place(tag, room, here.parent)
  end
  return above
end

local function contains(list, wanted)
  for _, one in ipairs(list) do
    if one == wanted then
      return true
    end
  end
  return false
end

-- What keeps a visit from counting, whatever its length, or nil.
local function visit_refusal(tag, room, visitor, device, sharer)
  if visitor == sharer then
    return 'self'
  end
  if device == '' then
    return 'no_device'
  end
  local owner = device_owner(tag, room, device, visitor)
  if owner ~= visitor then
    return owner == '' and 'too_many_devices' or 'same_device'
  end
  local known, above = read_place(tag, room, visitor), read_place(tag, room, sharer)
  if not known or known.parent ~= sharer then
    if above and above.root == visitor or contains(nodes_above(tag, room, sharer), visitor) then
      return 'cycle'
    end
    if known then
      return 'not_first'
    end
  end
  if redis.call('HGET', tag .. ':visits:' .. room, visitor) == 'counted' then
    return 'repeat'
  end
  return nil
end

-- share_device_v1 {tag} room node device
-- Remembers who uses a device; answers the node that used it first.
redis.register_function('share_device_v1', function(keys, args)
  return device_owner(keys[1], args[1], args[3], args[2])
end)

-- share_place_v1 {tag} room node device at_ms
-- Somebody shares: answers {parent, root, depth, at_ms, coupon}; who came through no link is a root.
redis.register_function('share_place_v1', function(keys, args)
  local tag, room, node = keys[1], args[1], args[2]
  if args[3] ~= '' then
    device_owner(tag, room, args[3], node)
  end
  local known = read_place(tag, room, node)
  if not known then
    place(tag, room, node, '-', node, 0, args[4])
    known = read_place(tag, room, node)
  end
  if redis.call('HSETNX', tag .. ':rewards:' .. room, node, '') == 1 then
    redis.call('HINCRBY', tag .. ':figures:' .. room, 'sharers', 1)
  end
  return { known.parent, known.root, known.depth, known.at_ms, redis.call('HGET', tag .. ':rewards:' .. room, node) }
end)

-- share_reward_v1 {tag} room node coupon
-- Keeps the coupon that a sharer's friends unlock.
redis.register_function('share_reward_v1', function(keys, args)
  redis.call('HSET', keys[1] .. ':rewards:' .. args[1], args[2], args[3])
  return args[3]
end)

-- Puts a sharer of a lost tree where the link says it stood; where that would close a circle by now, at a root.
local function restore(tag, room, sharer, parent, root, depth, at_ms)
  if parent == sharer or contains(nodes_above(tag, room, parent), sharer) then
    parent, root, depth = '-', sharer, 0
  end
  place(tag, room, sharer, parent, root, depth, at_ms)
end

-- share_touch_v1 {tag} room visitor device at_ms sharer parent root depth shared_ms
-- Somebody came through a link; what follows the sharer is the link's own word, for trees that were lost.
-- Answers `arrived`, or why the visit will not count.
redis.register_function('share_touch_v1', function(keys, args)
  local tag, room, visitor, sharer = keys[1], args[1], args[2], args[5]
  local figures = tag .. ':figures:' .. room
  redis.call('HINCRBY', figures, 'visits', 1)
  if not read_place(tag, room, sharer) and visitor ~= sharer then
    restore(tag, room, sharer, args[6], args[7], tonumber(args[8]), args[9])
  end
  local refusal = visit_refusal(tag, room, visitor, args[3], sharer)
  if refusal then
    redis.call('HINCRBY', figures, 'refused:' .. refusal, 1)
    return refusal
  end
  if not read_place(tag, room, visitor) then
    local above = read_place(tag, room, sharer)
    place(tag, room, visitor, sharer, above.root, above.depth + 1, args[4])
  end
  redis.call('HSET', tag .. ':visits:' .. room, visitor, args[4])
  return 'arrived'
end)

-- share_verify_v1 {tag} room visitor device at_ms sharer stay_ms levels
-- Answers {"verified", coupon...} of the sharer and those above, nearest first, or {why not}.
redis.register_function('share_verify_v1', function(keys, args)
  local tag, room, visitor, sharer = keys[1], args[1], args[2], args[5]
  local refusal = visit_refusal(tag, room, visitor, args[3], sharer)
  local since = tonumber(redis.call('HGET', tag .. ':visits:' .. room, visitor) or '')
  if not refusal and not since then
    refusal = 'not_arrived'
  end
  if not refusal and tonumber(args[4]) - since < tonumber(args[6]) then
    refusal = 'too_short'
  end
  if refusal then
    return { refusal }
  end
  local answer, above = { 'verified' }, nodes_above(tag, room, sharer)
  table.insert(above, 1, sharer)
  for level = 1, math.min(tonumber(args[7]), #above) do
    answer[#answer + 1] = redis.call('HGET', tag .. ':rewards:' .. room, above[level]) or ''
  end
  return answer
end)

-- share_count_v1 {tag} room visitor
-- Marks a visit as counted; answers whether it was not before.
redis.register_function('share_count_v1', function(keys, args)
  local key = keys[1] .. ':visits:' .. args[1]
  if redis.call('HGET', key, args[2]) == 'counted' then
    return 0
  end
  redis.call('HSET', key, args[2], 'counted')
  redis.call('HINCRBY', keys[1] .. ':figures:' .. args[1], 'verified', 1)
  return 1
end)

-- share_figures_v1 {tag} room
-- Every counter: sharers, visits, verified, refused:<why>, depth:<level>.
redis.register_function{
  function_name = 'share_figures_v1',
  callback = function(keys, args)
    return redis.call('HGETALL', keys[1] .. ':figures:' .. args[1])
  end,
  flags = { 'no-writes' },
}
