-- How orders end that nobody pays: they are given up, their time is over, or the provider will never capture.

-- A worker that took a closing order has this long before another one may take it.
local CLOSING_LEASE_MS = 5000
-- Ended orders stay this long for payments that come too late.
local ENDED_SECONDS = 604800

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
function expire_overdue(tag, at_ms, count)
  expire_turns(tag, at_ms, count)
  for _, id in ipairs(due_orders(tag, at_ms, count)) do
    local order = read_order(tag, id)
    if order.state == 'held' then
      give_back(tag, order, 'expired', at_ms)
    end
  end
end

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
