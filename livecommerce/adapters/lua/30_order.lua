-- Holds and the orders they become; both are one hash under one id.
--   held → paying → sold      held → released | expired
--          paying → held (payment failed) | closing (over time, or the buyer gave up) → sold | released | expired
--   {t}:order:<order>    hash                 {t}:expiry            order → deadline, for exactly the open ones
-- An order has lines ("sale:units sale:units") and coupons ("grant:discount grant:discount"), all of one shard; what
-- happens to it happens to all of them in one call. `sale` is the first line's, `qty` the units of all lines.
--   {t}:orders:<person>  order → created      {t}:mine:<room>:<person>   order → nothing: it is shown to who joins
--   {t}:ended            "room person order" → when it is shown no longer

local OPEN = { held = true, paying = true, closing = true }

-- A payment that began in time may arrive this much after the buyer's deadline before the order is closed.
local PAYING_GRACE_MS = 10000
-- A worker that took a closing order has this long before another one may take it.
local CLOSING_LEASE_MS = 5000
-- Ended orders stay this long for payments that come too late; those without any, for the buyer to see.
local ENDED_SECONDS = 604800
local UNPAID_SECONDS = 900
-- A buyer's list of orders outlives all that can stand in it.
local LISTED_SECONDS = 2592000

local ORDER = schema({ 'room', 'sale', 'buyer', 'qty', 'state', 'v', 'total_minor', 'discount_minor', 'grant', 'payment',
  'created_ms', 'expires_ms', 'pay_url', 'ending', 'card', 'lines', 'coupons' }, { qty = true, v = true })

-- "id:number id:number" as a list of {id, number}.
local function read_pairs(text)
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

local function read_order(tag, order)
  local fields = read_fields(tag .. ':order:' .. order, ORDER)
  if fields then
    fields.order = order
    read_parts(fields)
  end
  return fields
end

local function order_card(order)
  return string.sub(order.card, 1, -2) .. ',"v":' .. int(order.v) .. ',"state":"' .. order.state .. '","created_ms":'
    .. int(order.created_ms) .. ',"expires_ms":' .. int(order.expires_ms) .. ',"pay_url":' .. order.pay_url .. '}'
end

local function ended_as(order)
  return order.room .. ' ' .. order.buyer .. ' ' .. order.order
end

-- Shows an order's current version to its buyer, on every gateway and at the next join. One that came to nothing is
-- shown a while longer: its buyer may be away when it ends, and would come back to a hold that is none.
local function show_order(tag, order)
  local card = order_card(order)
  redis.call('HSET', tag .. ':mine:' .. order.room .. ':' .. order.buyer, order.order, '')
  if order.state == 'released' or order.state == 'expired' then
    redis.call('ZADD', tag .. ':ended', clock_ms() + UNPAID_SECONDS * 1000, ended_as(order))
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
  local lines = {}
  for index, line in ipairs(order.lines) do
    lines[index] = '{"sale":"' .. line[1] .. '","qty":' .. int(line[2]) .. '}'
  end
  tell_outbox(tag, order.order .. ':order.' .. order.state .. ':' .. int(order.v), 'order.' .. order.state,
    order.order, order.room, at_ms, '{"order":"' .. order.order .. '","sale":"' .. order.sale .. '","buyer":"'
    .. order.buyer .. '","qty":' .. int(order.qty) .. ',"lines":[' .. table.concat(lines, ',') .. '],"at_ms":'
    .. int(at_ms) .. '}')
end

-- Gives one line's units back, to the sale and to the buyer's limit.
local function give_line_back(tag, order, line, at_ms)
  local sale = read_sale(tag, line[1])
  count_given_back(tag, line[1], order.buyer)
  count_buyer(tag, line[1], order.buyer, -line[2])
  move_units(tag, sale, line[2], -line[2], 0, at_ms)
  publish_stock(tag, sale)
end

-- Ends an open order without a sale: units, buyer's limits and coupons go back. `ending` is released or expired.
local function give_back(tag, order, ending, at_ms)
  turn_order(tag, order, ending)
  local tried = redis.call('HEXISTS', order.key, 'paid_for') == 1
  redis.call('EXPIRE', order.key, tried and ENDED_SECONDS or UNPAID_SECONDS)
  for _, coupon in ipairs(order.coupons) do
    free_grant(tag, read_grant(tag, coupon[1]), at_ms)
  end
  for _, line in ipairs(order.lines) do
    give_line_back(tag, order, line, at_ms)
  end
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

-- Gives back what overdue holds and turns of the shard keep, so that a wish need not wait for the worker.
local function expire_overdue(tag, at_ms, count)
  expire_turns(tag, at_ms, count)
  for _, id in ipairs(due_orders(tag, at_ms, count)) do
    local order = read_order(tag, id)
    if order.state == 'held' then
      give_back(tag, order, 'expired', at_ms)
    end
  end
end

-- The answer to a hold: the card, and what is left of each line's sale.
local function hold_answer(card, sales)
  local answer = { 'ok', card }
  for _, sale in ipairs(sales) do
    for _, number in ipairs(stock_answer(sale)) do
      answer[#answer + 1] = number
    end
  end
  return answer
end

-- The sales of an order's or a wish's lines, in their order, or nil and the one that is not there.
local function sales_of(tag, lines)
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

-- The answer to a wish whose key was used before: the hold as it is now, if it is the same wish.
local function repeated_hold(tag, wish, earlier)
  local order_id, fingerprint = string.match(earlier, '^(%w+) (.*)$')
  if fingerprint ~= wish.fingerprint then
    return { 'no', 'key_reused' }
  end
  local order = read_order(tag, order_id)
  local sales = order and sales_of(tag, order.lines)
  if not sales then
    return { 'no', 'order_not_found' }
  end
  return hold_answer(order_card(order), sales)
end

-- Why this line cannot be held, or nil; the refusal names the line by its sale. Units of the buyer's turn are there for
-- the wish, and stay so when the sale is over.
local function line_refusal(tag, wish, line, sale, at_ms)
  local set_aside = line.turn and line.turn.units or 0
  local over = sale.phase == 'closed' or at_ms >= sale.closes_ms
  if over and set_aside == 0 then
    return { 'no', 'sale_closed', 'sale', sale.sale }
  end
  if at_ms < sale.opens_ms then
    return { 'no', 'sale_not_open', 'opens_ms', sale.opens_ms, 'wait_ms', sale.opens_ms - at_ms, 'sale', sale.sale }
  end
  if sale.price_minor ~= line.price_minor then
    return { 'no', 'price_changed', 'price_minor', sale.price_minor, 'version', sale.version, 'sale', sale.sale }
  end
  local units = units_of(tag, sale.sale, wish.buyer) - set_aside + line[2]
  if units > sale.limit or (set_aside == 0 and gives_back_too_often(tag, sale.sale, wish.buyer)) then
    return { 'no', 'limit_reached', 'limit', sale.limit, 'sale', sale.sale }
  end
  if sale.line == 'lottery' then
    return { 'no', 'draw_pending', 'sale', sale.sale }
  end
  local available = set_aside + (over and 0 or free_units(sale))
  if available < line[2] then
    return { 'no', 'sold_out', 'available', available, 'sale', sale.sale }
  end
  return nil
end

-- Why these lines cannot be held together, or nil.
local function lines_refusal(tag, wish, sales, at_ms)
  local seen = {}
  for index, line in ipairs(wish.lines) do
    if seen[line[1]] or sales[index].room ~= sales[1].room then
      return { 'no', 'bad_bag', 'sale', line[1] }
    end
    seen[line[1]] = true
    local refusal = line_refusal(tag, wish, line, sales[index], at_ms)
    if refusal then
      return refusal
    end
  end
  return nil
end

local function gross_of(lines)
  local gross = 0
  for _, line in ipairs(lines) do
    gross = gross + line.price_minor * line[2]
  end
  return gross
end

-- Why these coupons cannot lower this wish, or nil; leaves the grants in `wish.granted`.
local function coupons_refusal(tag, wish, room, at_ms)
  local gross, seen = gross_of(wish.lines), {}
  wish.granted = {}
  for index, coupon in ipairs(wish.coupons) do
    local grant = read_grant(tag, coupon[1])
    local refusal = seen[coupon[1]] and { 'no', 'coupons_not_together' }
      or grant_refusal(grant, room, wish.buyer, gross, coupon[2], at_ms)
    if refusal then
      return refusal
    end
    seen[coupon[1]], wish.granted[index] = true, grant
  end
  return nil
end

-- Whether some line lacks units that overdue holds may still keep.
local function may_wait_for_overdue(lines, sales)
  for index, line in ipairs(lines) do
    if sales[index].available < line[2] and sales[index].held > 0 then
      return true
    end
  end
  return false
end

-- Opens and expires what is due, so that a wish need not wait for the worker; true where something may have changed.
local function let_time_pass(tag, wish, sales, at_ms)
  local changed = false
  for _, sale in ipairs(sales) do
    if is_due(sale, at_ms) then
      start_due_sale(tag, read_sale(tag, sale.sale), at_ms)
      changed = true
    end
  end
  if may_wait_for_overdue(wish.lines, sales) then
    expire_overdue(tag, at_ms, 20)
    changed = true
  end
  return changed
end

local function units_in(lines)
  local units = 0
  for _, line in ipairs(lines) do
    units = units + line[2]
  end
  return units
end

local function pairs_text(list)
  local parts = {}
  for index, pair in ipairs(list) do
    parts[index] = pair[1] .. ':' .. int(pair[2])
  end
  return table.concat(parts, ' ')
end

-- How long a hold lasts: as long as the shortest of its sales allows.
local function hold_ms_of(sales)
  local hold_ms = sales[1].hold_ms
  for _, sale in ipairs(sales) do
    hold_ms = math.min(hold_ms, sale.hold_ms)
  end
  return hold_ms
end

-- Writes a granted wish as a held order and shows it to its buyer.
local function write_hold(tag, wish, sales, at_ms)
  local room = sales[1].room
  local order = { order = wish.order, room = room, buyer = wish.buyer, state = 'held', v = 1, created_ms = at_ms,
    expires_ms = at_ms + hold_ms_of(sales), pay_url = '""', card = wish.card }
  redis.call('HSET', tag .. ':order:' .. wish.order, 'room', room, 'sale', wish.lines[1][1], 'buyer', wish.buyer,
    'qty', units_in(wish.lines), 'state', 'held', 'v', 1, 'total_minor', wish.total_minor, 'lines',
    pairs_text(wish.lines), 'coupons', pairs_text(wish.coupons), 'payment', '', 'created_ms', at_ms, 'expires_ms',
    order.expires_ms, 'pay_url', '""', 'ending', '', 'card', wish.card, 'draft', wish.draft)
  redis.call('ZADD', tag .. ':expiry', order.expires_ms, wish.order)
  redis.call('ZADD', tag .. ':orders:' .. wish.buyer, at_ms, wish.order)
  redis.call('EXPIRE', tag .. ':orders:' .. wish.buyer, LISTED_SECONDS)
  return show_order(tag, order)
end

-- Takes what a wish asks for, all of it or nothing.
local function hold(tag, wish)
  local operation = 'hold:' .. wish.buyer .. ':' .. wish.key
  local earlier = earlier_answer(tag, operation)
  if earlier then
    return repeated_hold(tag, wish, earlier)
  end
  local at_ms = clock_ms()
  local sales, missing = sales_of(tag, wish.lines)
  if not sales then
    return { 'no', 'sale_not_found', 'sale', missing }
  end
  if let_time_pass(tag, wish, sales, at_ms) then
    sales = sales_of(tag, wish.lines)
  end
  for index, line in ipairs(wish.lines) do
    line.turn = usable_turn(tag, sales[index], wish.buyer, at_ms)
  end
  local refusal = lines_refusal(tag, wish, sales, at_ms) or coupons_refusal(tag, wish, sales[1].room, at_ms)
  if refusal then
    return refusal
  end
  local card = write_hold(tag, wish, sales, at_ms)
  for _, grant in ipairs(wish.granted) do
    reserve_grant(tag, grant, wish.order)
  end
  for index, line in ipairs(wish.lines) do
    if line.turn then
      close_turn(tag, sales[index], wish.buyer, line.turn, 'taken')
    end
    count_buyer(tag, line[1], wish.buyer, line[2])
    move_units(tag, sales[index], -line[2], line[2], 0, at_ms)
  end
  keep_answer(tag, operation, wish.order .. ' ' .. wish.fingerprint)
  return hold_answer(card, sales)
end

local WISH_1 = schema({ 'sale', 'order', 'buyer', 'key', 'fingerprint', 'price_minor', 'qty', 'total_minor',
  'discount_minor', 'grant', 'card', 'draft' }, { qty = true })

-- hold_v1 {tag} sale order buyer key fingerprint price_minor qty total_minor discount_minor grant card draft
-- One line and at most one coupon, for gateways that know no others: see hold_v2.
redis.register_function('hold_v1', function(keys, args)
  local wish = named(args, WISH_1)
  wish.lines = { { wish.sale, wish.qty, price_minor = wish.price_minor } }
  wish.coupons = wish.grant ~= '' and { { wish.grant, wish.discount_minor } } or {}
  return hold(keys[1], wish)
end)

local WISH_2 = schema({ 'order', 'buyer', 'key', 'fingerprint', 'total_minor', 'lines', 'coupons', 'card', 'draft' }, {})

-- hold_v2 {tag} order buyer key fingerprint total_minor lines coupons card draft
-- Keeps the units of all lines for a buyer until they are paid or the hold runs out, or none of them. `lines` is
-- "sale:units:price sale:units:price", `coupons` "grant:discount grant:discount". Answers {"ok", card, v, available,
-- held, sold, v, …} with four numbers a line; a refusal about a line names it by its `sale`. The same key with the same
-- fingerprint answers the same hold and takes nothing more.
redis.register_function('hold_v2', function(keys, args)
  local wish, lines = named(args, WISH_2), {}
  for sale, units, price in string.gmatch(wish.lines, '([^ :]+):(%d+):(%d+)') do
    lines[#lines + 1] = { sale, tonumber(units), price_minor = tonumber(price) }
  end
  wish.lines, wish.coupons = lines, read_pairs(wish.coupons)
  return hold(keys[1], wish)
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
-- Expires overdue holds, opens and closes sales whose time has come, and leases overdue payments to the caller, who must ask the
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
  answer[1] = #due + sweep_sales(tag, at_ms) + sweep_lines(tag, at_ms, args[1])
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

-- Units of one sale in an order.
local function units_from(order, sale)
  for _, line in ipairs(order.lines) do
    if line[1] == sale then
      return line[2]
    end
  end
  return 0
end

-- The open orders of one sale, by reading every open order of the shard: {units held, orders in the expiry set that
-- are not open}.
local function count_open(tag, sale)
  local held, strays = 0, 0
  for _, id in ipairs(redis.call('ZRANGE', tag .. ':expiry', 0, -1)) do
    local order = read_order(tag, id)
    if not order or not OPEN[order.state] then
      strays = strays + 1
    else
      held = held + units_from(order, sale)
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

-- A sale counted twice, or nothing where it is not there.
local function audit_sale(tag, id)
  local sale = read_sale(tag, id)
  if not sale then
    return {}
  end
  local open, strays = count_open(tag, id)
  local units, most, undue = count_buyers(tag, id)
  return { sale.allocated, sale.available, sale.held, sale.sold, sale.returned, sale.limit, open, units, most, strays,
    undue, unpack(audit_line(tag, sale)) }
end

-- sale_audit_v1 {tag} sale
-- What sale_audit_v2 answers, without what it tells of the line: units of turns are among those in open orders.
redis.register_function{
  function_name = 'sale_audit_v1',
  callback = function(keys, args)
    local audit = audit_sale(keys[1], args[1])
    if audit[12] then
      audit[7] = audit[7] + audit[12]
    end
    return { unpack(audit, 1, 11) }
  end,
  flags = { 'no-writes' },
}

-- sale_audit_v2 {tag} sale
-- {allocated, available, held, sold, returned, limit, units in open orders, units of buyers, most of one buyer,
-- deadlines of orders that are not open, open orders without a deadline, units in turns, turns without a deadline or the
-- other way round, places that cannot be, units that lie idle while somebody waits}; reads everything, not for hot paths.
redis.register_function{
  function_name = 'sale_audit_v2',
  callback = function(keys, args)
    return audit_sale(keys[1], args[1])
  end,
  flags = { 'no-writes' },
}
