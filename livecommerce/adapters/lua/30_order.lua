-- Holds and the orders they become; both are one hash under one id.
--   held → paying → sold      held → released | expired
--          paying → held (payment failed) | closing (over time, or the buyer gave up) → sold | released | expired
--   {t}:order:<order>    hash                 {t}:expiry            order → deadline, for exactly the open ones
-- An order has lines ("sale:units sale:units") and coupons ("grant:discount grant:discount"), all of one shard; what
-- happens to it happens to all of them in one call. `sale` is the first line's, `qty` the units of all lines.
--   {t}:orders:<person>  order → created      {t}:mine:<room>:<person>   order → nothing: it is shown to who joins
--   {t}:ended            "room person order" → when it is shown no longer

OPEN = { held = true, paying = true, closing = true }

-- Orders that nobody tried to pay stay this long after their end, for the buyer to see.
UNPAID_SECONDS = 900

local ORDER = schema({ 'room', 'sale', 'buyer', 'qty', 'state', 'v', 'total_minor', 'discount_minor', 'grant', 'payment',
  'created_ms', 'expires_ms', 'pay_url', 'ending', 'card', 'lines', 'coupons' }, { qty = true, v = true })

-- "id:number id:number" as a list of {id, number}.
function read_pairs(text)
  local pairs_ = {}
  for id, number in string.gmatch(text, '([^ :]+):(%d+)') do
    pairs_[#pairs_ + 1] = { id, tonumber(number) }
  end
  return pairs_
end

-- Lines and coupons of an order; one that was held before there were several has them in fields of their own.
local function read_parts(order)
  order.lines = read_pairs(order.lines or order.sale .. ':' .. int(order.qty))
  if not order.coupons then
    order.coupons = order.grant ~= '' and order.grant .. ':' .. int(order.discount_minor) or ''
  end
  order.coupons = read_pairs(order.coupons)
end

function read_order(tag, order)
  local fields = read_fields(tag .. ':order:' .. order, ORDER)
  if fields then
    fields.order = order
    read_parts(fields)
  end
  return fields
end

function order_card(order)
  return string.sub(order.card, 1, -2) .. ',"v":' .. int(order.v) .. ',"state":"' .. order.state .. '","created_ms":'
    .. int(order.created_ms) .. ',"expires_ms":' .. int(order.expires_ms) .. ',"pay_url":' .. order.pay_url .. '}'
end

function ended_as(order)
  return order.room .. ' ' .. order.buyer .. ' ' .. order.order
end

-- Shows an order's current version to its buyer, on every gateway and at the next join. One that came to nothing is
-- shown a while longer: its buyer may be away when it ends, and would come back to a hold that is none.
function show_order(tag, order)
  local card = order_card(order)
  redis.call('HSET', tag .. ':mine:' .. order.room .. ':' .. order.buyer, order.order, '')
  if order.state == 'released' or order.state == 'expired' then
    redis.call('ZADD', tag .. ':ended', clock_ms() + UNPAID_SECONDS * 1000, ended_as(order))
  end
  publish(tag, order.room, '{"k":"personal","to":"' .. order.buyer .. '","order":' .. card .. '}')
  return card
end

-- Stores an order's new state; an open one is due at the deadline, an ended one never again.
function turn_order(tag, order, state, due_ms)
  order.state, order.v = state, order.v + 1
  redis.call('HSET', order.key, 'state', state, 'v', order.v, 'payment', order.payment, 'pay_url', order.pay_url,
    'ending', order.ending)
  if OPEN[state] then
    redis.call('ZADD', tag .. ':expiry', due_ms, order.order)
  else
    redis.call('ZREM', tag .. ':expiry', order.order)
  end
  return show_order(tag, order)
end

function tell_order(tag, order, at_ms)
  local lines = {}
  for index, line in ipairs(order.lines) do
    lines[index] = '{"sale":"' .. line[1] .. '","qty":' .. int(line[2]) .. '}'
  end
  tell_outbox(tag, order.order .. ':order.' .. order.state .. ':' .. int(order.v), 'order.' .. order.state,
    order.order, order.room, at_ms, '{"order":"' .. order.order .. '","sale":"' .. order.sale .. '","buyer":"'
    .. order.buyer .. '","qty":' .. int(order.qty) .. ',"lines":[' .. table.concat(lines, ',') .. '],"at_ms":'
    .. int(at_ms) .. '}')
end

-- The sales of an order's or a wish's lines, in their order, or nil and the one that is not there.
function sales_of(tag, lines)
  local sales = {}
  for index, line in ipairs(lines) do
    local sale = read_sale(tag, line[1])
    if not sale then
      return nil, line[1]
    end
    sales[index] = sale
  end
  return sales
end

-- orders_read_v1 {tag} person
-- Cards of a person's newest orders on this shard, newest first; forgets the ones that are gone on the way.
register_settling('orders_read_v1', function(keys, args)
  local tag, cards = keys[1], {}
  local index = tag .. ':orders:' .. args[1]
  repeat
    local page = redis.call('ZRANGE', index, #cards, #cards + 199, 'REV')
    for _, id in ipairs(page) do
      local order = read_order(tag, id)
      if order then
        cards[#cards + 1] = order_card(order)
      else
        redis.call('ZREM', index, id)
      end
    end
  until #page == 0 or #cards >= 200
  return cards
end)

-- order_read_v1 {tag} order
-- {card, buyer, v, payment}, or nothing.
redis.register_function{
  function_name = 'order_read_v1',
  callback = function(keys, args)
    local order = read_order(keys[1], args[1])
    return order and { order_card(order), order.buyer, order.v, order.payment } or {}
  end,
  flags = { 'no-writes' },
}
