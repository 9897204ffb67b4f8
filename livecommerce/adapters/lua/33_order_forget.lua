-- How orders leave: what SQL owns, and what came to nothing, is shown a while longer and then gone from here.
--   {t}:projected   order → when it goes

-- order_projected_v1 {tag} order
-- SQL owns the order now. Its record stays visible to the room for a quarter of an hour, then it is gone from here.
register_settling('order_projected_v1', function(keys, args)
  local tag = keys[1]
  local order = read_order(tag, args[1])
  if order and order.state == 'sold' then
    redis.call('HSET', order.key, 'projected', 1)
    redis.call('ZADD', tag .. ':projected', clock_ms() + 900000, order.order)
  end
  return 'ok'
end)

-- Takes orders that ended long enough ago from what their buyers are shown.
local function hide_ended(tag, at_ms, count)
  local due = redis.call('ZRANGE', tag .. ':ended', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, count)
  for _, shown in ipairs(due) do
    local room, buyer, order = string.match(shown, '^(%S+) (%S+) (%S+)$')
    redis.call('HDEL', tag .. ':mine:' .. room .. ':' .. buyer, order)
    redis.call('ZREM', tag .. ':ended', shown)
  end
  return #due
end

-- order_forget_v1 {tag} count
-- Removes orders that SQL has owned for long enough, and hides those that ended without a sale. Answers how many.
register_settling('order_forget_v1', function(keys, args)
  local tag, at_ms = keys[1], clock_ms()
  local due = redis.call('ZRANGE', tag .. ':projected', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, args[1])
  for _, id in ipairs(due) do
    local order = read_order(tag, id)
    redis.call('HDEL', tag .. ':mine:' .. order.room .. ':' .. order.buyer, id)
    redis.call('ZREM', tag .. ':orders:' .. order.buyer, id)
    redis.call('DEL', order.key)
    redis.call('ZREM', tag .. ':projected', id)
  end
  return #due + hide_ended(tag, at_ms, args[1])
end)
