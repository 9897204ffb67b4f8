-- Holds and the orders they become; both are one hash under one id.
--   held → paying → sold      held → released | expired
--          paying → held (payment failed) | closing (over time, or the buyer gave up) → sold | released | expired
--   {t}:order:<order>    hash                 {t}:expiry            order → deadline, for exactly the open ones
--   {t}:orders:<person>  order → created      {t}:mine:<room>:<person>   order → OrderCard

local OPEN = { held = true, paying = true, closing = true }

-- A payment that began in time may arrive this much after the buyer's deadline before the order is closed.
local PAYING_GRACE_MS = 10000
-- A worker that took a closing order has this long before another one may take it.
local CLOSING_LEASE_MS = 5000
-- Ended orders stay this long for payments that come too late; those without any, for the buyer to see.
local ENDED_SECONDS = 604800
local UNPAID_SECONDS = 900

local ORDER = schema({ 'room', 'sale', 'buyer', 'qty', 'state', 'v', 'total_minor', 'discount_minor', 'grant', 'payment',
  'created_ms', 'expires_ms', 'pay_url', 'ending', 'card' }, { qty = true, v = true })

local function read_order(tag, order)
  local fields = read_fields(tag .. ':order:' .. order, ORDER)
  if fields then
    fields.order = order
  end
  return fields
end

local function order_card(order)
  return string.sub(order.card, 1, -2) .. ',"v":' .. int(order.v) .. ',"state":"' .. order.state .. '","created_ms":'
    .. int(order.created_ms) .. ',"expires_ms":' .. int(order.expires_ms) .. ',"pay_url":' .. order.pay_url .. '}'
end

-- Shows an order's current version to its buyer, on every gateway and at the next join.
local function show_order(tag, order)
  local card, mine = order_card(order), tag .. ':mine:' .. order.room .. ':' .. order.buyer
  if order.state == 'released' or order.state == 'expired' then
    redis.call('HDEL', mine, order.order)
  else
    redis.call('HSET', mine, order.order, card)
  end
  publish(tag, order.room, '{"k":"personal","to":"' .. order.buyer .. '","order":' .. card .. '}')
  return card
end

-- Stores an order's new state; an open one is due at the deadline, an ended one never again.
local function turn_order(tag, order, state, due_ms)
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

local function tell_order(tag, order, at_ms)
  tell_outbox(tag, order.order .. ':order.' .. order.state .. ':' .. int(order.v), 'order.' .. order.state,
    order.order, order.room, at_ms, '{"order":"' .. order.order .. '","sale":"' .. order.sale .. '","buyer":"'
    .. order.buyer .. '","qty":' .. int(order.qty) .. ',"at_ms":' .. int(at_ms) .. '}')
end

-- Ends an open order without a sale: units, buyer's limit and coupon go back. `ending` is released or expired.
local function give_back(tag, order, ending, at_ms)
  local sale = read_sale(tag, order.sale)
  turn_order(tag, order, ending)
  local tried = redis.call('HEXISTS', order.key, 'paid_for') == 1
  redis.call('EXPIRE', order.key, tried and ENDED_SECONDS or UNPAID_SECONDS)
  count_given_back(tag, order.sale, order.buyer)
  count_buyer(tag, order.sale, order.buyer, -order.qty)
  if order.grant ~= '' then
    free_grant(tag, read_grant(tag, order.grant), at_ms)
  end
  move_units(tag, sale, order.qty, -order.qty, 0, at_ms)
  publish_stock(tag, sale)
  tell_order(tag, order, at_ms)
end

-- Stops an order that may have been paid: it keeps its units until the provider has answered for certain.
local function begin_closing(tag, order, ending, due_ms)
  order.ending = ending
  return turn_order(tag, order, 'closing', due_ms)
end

-- Handles one order whose deadline has passed; answers true if a worker must ask the provider.
local function overdue(tag, order, at_ms)
  if order.state == 'held' then
    give_back(tag, order, 'expired', at_ms)
    return false
  end
  if order.state == 'paying' then
    begin_closing(tag, order, 'expired', at_ms + CLOSING_LEASE_MS)
  else
    redis.call('ZADD', tag .. ':expiry', at_ms + CLOSING_LEASE_MS, order.order)
  end
  return true
end

local function due_orders(tag, at_ms, count)
  return redis.call('ZRANGE', tag .. ':expiry', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, count)
end

-- Gives back what overdue holds of the shard keep, so that a wish need not wait for the worker.
local function expire_overdue(tag, at_ms, count)
  for _, id in ipairs(due_orders(tag, at_ms, count)) do
    local order = read_order(tag, id)
    if order.state == 'held' then
      give_back(tag, order, 'expired', at_ms)
    end
  end
end

local WISH = schema({ 'sale', 'order', 'buyer', 'key', 'fingerprint', 'price_minor', 'qty', 'total_minor',
  'discount_minor', 'grant', 'card', 'draft' }, { qty = true })

-- The answer to a wish whose key was used before: the hold as it is now, if it is the same wish.
local function repeated_hold(tag, wish, earlier)
  local order_id, fingerprint = string.match(earlier, '^(%w+) (.*)$')
  if fingerprint ~= wish.fingerprint then
    return { 'no', 'key_reused' }
  end
  local order = read_order(tag, order_id)
  if not order then
    return { 'no', 'order_not_found' }
  end
  return { 'ok', order_card(order), unpack(stock_answer(read_sale(tag, order.sale))) }
end

local function hold_refusal(tag, wish, sale, grant, at_ms)
  if sale.phase == 'closed' or at_ms >= sale.closes_ms then
    return { 'no', 'sale_closed' }
  end
  if at_ms < sale.opens_ms then
    return { 'no', 'sale_not_open', 'opens_ms', sale.opens_ms }
  end
  if sale.price_minor ~= wish.price_minor then
    return { 'no', 'price_changed', 'price_minor', sale.price_minor, 'version', sale.version }
  end
  local units = units_of(tag, wish.sale, wish.buyer) + wish.qty
  if units > sale.limit or gives_back_too_often(tag, wish.sale, wish.buyer) then
    return { 'no', 'limit_reached', 'limit', sale.limit }
  end
  if sale.available < wish.qty then
    return { 'no', 'sold_out', 'available', sale.available }
  end
  if wish.grant ~= '' then
    return grant_refusal(grant, sale.room, wish.buyer, wish.price_minor * wish.qty, wish.discount_minor, at_ms)
  end
  return nil
end

-- Writes a granted wish as a held order and shows it to its buyer.
local function write_hold(tag, wish, sale, at_ms)
  local order = { order = wish.order, room = sale.room, buyer = wish.buyer, state = 'held', v = 1, created_ms = at_ms,
    expires_ms = at_ms + sale.hold_ms, pay_url = '""', card = wish.card }
  redis.call('HSET', tag .. ':order:' .. wish.order, 'room', sale.room, 'sale', wish.sale, 'buyer', wish.buyer,
    'qty', wish.qty, 'state', 'held', 'v', 1, 'total_minor', wish.total_minor, 'discount_minor', wish.discount_minor,
    'grant', wish.grant, 'payment', '', 'created_ms', at_ms, 'expires_ms', order.expires_ms, 'pay_url', '""',
    'ending', '', 'card', wish.card, 'draft', wish.draft)
  redis.call('ZADD', tag .. ':expiry', order.expires_ms, wish.order)
  redis.call('ZADD', tag .. ':orders:' .. wish.buyer, at_ms, wish.order)
  return show_order(tag, order)
end

-- hold_v1 {tag} sale order buyer key fingerprint price_minor qty total_minor discount_minor grant card draft
-- Keeps units for a buyer until they are paid or the hold runs out. Answers {"ok", card, v, available, held, sold};
-- the same key with the same fingerprint answers the same hold and takes nothing more.
redis.register_function('hold_v1', function(keys, args)
  local tag, wish = keys[1], named(args, WISH)
  local operation = 'hold:' .. wish.buyer .. ':' .. wish.key
  local earlier = earlier_answer(tag, operation)
  if earlier then
    return repeated_hold(tag, wish, earlier)
  end
  local sale, at_ms = read_sale(tag, wish.sale), clock_ms()
  if not sale then
    return { 'no', 'sale_not_found' }
  end
  if sale.available < wish.qty and sale.held > 0 then
    expire_overdue(tag, at_ms, 20)
    sale = read_sale(tag, wish.sale)
  end
  local grant = wish.grant ~= '' and read_grant(tag, wish.grant) or nil
  local refusal = hold_refusal(tag, wish, sale, grant, at_ms)
  if refusal then
    return refusal
  end
  local card = write_hold(tag, wish, sale, at_ms)
  count_buyer(tag, wish.sale, wish.buyer, wish.qty)
  if grant then
    reserve_grant(tag, grant, wish.order)
  end
  move_units(tag, sale, -wish.qty, wish.qty, 0, at_ms)
  keep_answer(tag, operation, wish.order .. ' ' .. wish.fingerprint)
  return { 'ok', card, unpack(stock_answer(sale)) }
end)

-- order_cancel_v1 {tag} order buyer
-- The buyer gives up an unpaid order: a held one is released, a paying one is closed at the provider first.
-- Answers {"ok", card}; an order that is already ending answers as it is.
register_settling('order_cancel_v1', function(keys, args)
  local tag = keys[1]
  local order = read_order(tag, args[1])
  if not order or order.buyer ~= args[2] then
    return { 'no', 'order_not_found' }
  end
  local at_ms = clock_ms()
  if order.state == 'held' then
    give_back(tag, order, 'released', at_ms)
  elseif order.state == 'paying' then
    begin_closing(tag, order, 'released', at_ms)
  elseif order.state == 'sold' then
    return { 'no', 'already_paid' }
  end
  return { 'ok', order_card(order) }
end)

-- order_release_v1 {tag} order v
-- Ends a closing order that the provider will never capture. A version that has moved on means that somebody else
-- decided: nothing changes. Answers {"ok", card}.
register_settling('order_release_v1', function(keys, args)
  local tag = keys[1]
  local order = read_order(tag, args[1])
  if not order then
    return { 'no', 'order_not_found' }
  end
  if order.state == 'closing' and order.v == tonumber(args[2]) then
    give_back(tag, order, order.ending, clock_ms())
  end
  return { 'ok', order_card(order) }
end)

-- order_sweep_v1 {tag} count
-- Expires overdue holds, closes sales whose time is over, and leases overdue payments to the caller, who must ask the
-- provider. Answers {number of deadlines handled, order, v, payment, order, v, payment, ...}.
register_settling('order_sweep_v1', function(keys, args)
  local tag, at_ms = keys[1], clock_ms()
  local due = due_orders(tag, at_ms, args[1])
  local answer = { #due }
  for _, id in ipairs(due) do
    local order = read_order(tag, id)
    if overdue(tag, order, at_ms) then
      for _, value in ipairs({ id, order.v, order.payment }) do
        answer[#answer + 1] = value
      end
    end
  end
  local over = redis.call('ZRANGE', tag .. ':sale_ends', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, 10)
  for _, id in ipairs(over) do
    end_sale(tag, read_sale(tag, id), at_ms)
  end
  answer[1] = #due + #over
  return answer
end)

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

-- order_forget_v1 {tag} count
-- Removes orders that SQL has owned for long enough. Answers how many.
register_settling('order_forget_v1', function(keys, args)
  local tag = keys[1]
  local due = redis.call('ZRANGE', tag .. ':projected', '-inf', int(clock_ms()), 'BYSCORE', 'LIMIT', 0, args[1])
  for _, id in ipairs(due) do
    local order = read_order(tag, id)
    redis.call('HDEL', tag .. ':mine:' .. order.room .. ':' .. order.buyer, id)
    redis.call('ZREM', tag .. ':orders:' .. order.buyer, id)
    redis.call('DEL', order.key)
    redis.call('ZREM', tag .. ':projected', id)
  end
  return #due
end)

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

-- The open orders of one sale, by reading every open order of the shard: {units held, orders in the expiry set that
-- are not open}.
local function count_open(tag, sale)
  local held, strays = 0, 0
  for _, id in ipairs(redis.call('ZRANGE', tag .. ':expiry', 0, -1)) do
    local order = read_order(tag, id)
    if not order or not OPEN[order.state] then
      strays = strays + 1
    elseif order.sale == sale then
      held = held + order.qty
    end
  end
  return held, strays
end

-- Walks a sale's buyers: {units they hold or own, most units of one buyer, their open orders without a deadline}.
local function count_buyers(tag, sale)
  local units, most, undue = 0, 0, 0
  local buyers = redis.call('HGETALL', tag .. ':buyers:' .. sale)
  for index = 1, #buyers, 2 do
    local of_buyer = tonumber(buyers[index + 1])
    units, most = units + of_buyer, math.max(most, of_buyer)
    for _, id in ipairs(redis.call('ZRANGE', tag .. ':orders:' .. buyers[index], 0, -1)) do
      local order = read_order(tag, id)
      if order and OPEN[order.state] and not redis.call('ZSCORE', tag .. ':expiry', id) then
        undue = undue + 1
      end
    end
  end
  return units, most, undue
end

-- sale_audit_v1 {tag} sale
-- {allocated, available, held, sold, returned, limit, units in open orders, units of buyers, most of one buyer,
-- deadlines of orders that are not open, open orders without a deadline}; reads everything, not for hot paths.
redis.register_function{
  function_name = 'sale_audit_v1',
  callback = function(keys, args)
    local tag = keys[1]
    local sale = read_sale(tag, args[1])
    if not sale then
      return {}
    end
    local open, strays = count_open(tag, args[1])
    local units, most, undue = count_buyers(tag, args[1])
    return { sale.allocated, sale.available, sale.held, sale.sold, sale.returned, sale.limit, open, units, most,
      strays, undue }
  end,
  flags = { 'no-writes' },
}
