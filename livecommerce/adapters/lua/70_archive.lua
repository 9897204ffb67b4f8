-- Rooms that are over. One is at rest when nothing of it is on its way to SQL and no hold can end in it any more. Then
-- SQL keeps its end, the room is taken off (room_archive_v1), from which call on nothing is appended, opened, dropped or
-- counted in it, and what it leaves is cleared away in steps that may be repeated (room_clear_v1).
--
-- Orders that ended and payments are not the room's: late money needs them, and they have an end of their own.

-- Records of the outbox that are looked through; while it is longer, rooms wait.
local LOOKED_THROUGH = 1000

local function is_on_its_way(tag, room)
  local told = redis.call('XRANGE', tag .. ':outbox', '-', '+', 'COUNT', LOOKED_THROUGH)
  for _, record in ipairs(told) do
    local fields = record[2]
    for index = 1, #fields, 2 do
      if fields[index] == 'room' and fields[index + 1] == room then
        return true
      end
    end
  end
  return #told == LOOKED_THROUGH
end

-- Why a room is not at rest, or nil.
local function unrest(tag, room)
  for _, id in ipairs(redis.call('SMEMBERS', tag .. ':sales:' .. room)) do
    local sale = read_sale(tag, id)
    if sale and sale.settled ~= 1 then
      return sale.phase == 'closed' and 'holds_open' or 'sale_open'
    end
  end
  return is_on_its_way(tag, room) and 'on_its_way' or nil
end

-- room_rest_v1 {tag} room
-- Whether an ended room is at rest: {"ok", likes}, or {"no", why}: sale_open, holds_open or on_its_way. A room that is
-- not there (any more) answers room_not_found.
redis.register_function{
  function_name = 'room_rest_v1',
  callback = function(keys, args)
    local stored = redis.call('HMGET', keys[1] .. ':room:' .. args[1], 'epoch', 'likes')
    if not stored[1] then
      return { 'no', 'room_not_found' }
    end
    local why = unrest(keys[1], args[1])
    return why and { 'no', why } or { 'ok', tonumber(stored[2] or 0) }
  end,
  flags = { 'no-writes' },
}

-- room_archive_v1 {tag} room epoch offset
-- Takes a room off that is at rest and still as it was read. Answers {"ok"}, also if it is off already.
register_settling('room_archive_v1', function(keys, args)
  local tag, room = keys[1], args[1]
  if redis.call('EXISTS', tag .. ':room:' .. room) == 0 then
    return { 'ok' }
  end
  local why = unrest(tag, room)
  local refusal = why and { 'no', why } or room_refusal(tag, room, args[2], args[3])
  if refusal then
    return refusal
  end
  redis.call('UNLINK', tag .. ':room:' .. room)
  return { 'ok' }
end)

-- Ends a coupon that could only be used in the room, and forgets it. One that an order keeps stays.
local function clear_coupon(tag, room, id, at_ms)
  local grant = read_grant(tag, id)
  if grant and grant.state == 'reserved' then
    return false
  end
  if grant then
    if grant.state == 'active' or grant.state == 'locked' then
      expire_grant(tag, grant, at_ms)
    end
    redis.call('SREM', tag .. ':grants:' .. grant.campaign, id)
    redis.call('SREM', tag .. ':owned:' .. grant.owner, id)
    redis.call('HDEL', tag .. ':sharers:' .. grant.campaign, room .. ':' .. grant.owner)
    redis.call('UNLINK', grant.key, tag .. ':arrivals:' .. id)
  end
  redis.call('SREM', tag .. ':coupons:' .. room, id)
  return true
end

-- Clears up to `count` of the room's coupons; answers how many.
local function clear_coupons(tag, room, count, at_ms)
  local cleared = 0
  for _, id in ipairs(redis.call('SRANDMEMBER', tag .. ':coupons:' .. room, count)) do
    if clear_coupon(tag, room, id, at_ms) then
      cleared = cleared + 1
    end
  end
  return cleared
end

-- A draw that was made can be asked for long after the room; one that never came to be is of no use.
local function clear_draw(tag, sale)
  if redis.call('EXISTS', tag .. ':draw_of:' .. sale) == 0 then
    redis.call('UNLINK', tag .. ':draw:' .. sale)
  end
  redis.call('ZREM', tag .. ':draws', sale)
end

-- Takes up to `count` members out of a set, each with the keys that `families` name after it; answers how many.
local function clear_members(tag, set, families, count, clear)
  local members = redis.call('SRANDMEMBER', set, count)
  for _, id in ipairs(members) do
    if clear then
      clear(tag, id)
    end
    for _, family in ipairs(families) do
      redis.call('UNLINK', tag .. ':' .. family .. ':' .. id)
    end
    redis.call('SREM', set, id)
  end
  return #members
end

local SALE_FAMILIES = { 'buyers', 'given_back', 'adjustments', 'queue', 'asks', 'turns', 'drawn', 'sale' }

-- room_clear_v1 {tag} room count
-- Removes up to about `count` things of a room that was taken off; answers how many: 0 when nothing is left.
register_settling('room_clear_v1', function(keys, args)
  local tag, room, count = keys[1], args[1], args[2]
  if redis.call('EXISTS', tag .. ':room:' .. room) == 1 then
    return 0
  end
  local cleared = clear_members(tag, tag .. ':drops:' .. room, { 'claims', 'drop' }, count)
  if cleared == 0 then
    cleared = clear_coupons(tag, room, count, clock_ms())
  end
  if cleared == 0 then
    cleared = clear_members(tag, tag .. ':sales:' .. room, SALE_FAMILIES, count, clear_draw)
  end
  if cleared == 0 then
    for _, family in ipairs({ 'log', 'presence', 'comments', 'sanctions', 'tree', 'devices', 'visits', 'rewards',
      'figures' }) do
      cleared = cleared + redis.call('UNLINK', tag .. ':' .. family .. ':' .. room)
    end
  end
  return cleared
end)
