-- Payments. Each has exactly one outcome: its capture became the order (applied), went back (refund_due → refunded),
-- or there was no capture (failed, closed). A capture that arrives for a failed or closed payment still counts.
--   {t}:payment:<payment>  hash      {t}:polls    payment → next look, while created
--   {t}:refunds            payment → next try, while refund_due

local PAYMENT = schema({ 'order', 'room', 'state', 'provider', 'amount_minor', 'currency', 'deadline_ms',
  'captured_minor', 'captured_currency', 'transaction', 'reason' }, {})
-- Ended payments stay this long for captures that come too late.
local PAYMENT_SECONDS = 2592000
-- A payment that began in time may arrive this much after the buyer's deadline before the order is closed.
local PAYING_GRACE_MS = 10000

local function read_payment(tag, payment)
  local fields = read_fields(tag .. ':payment:' .. payment, PAYMENT)
  if fields then
    fields.payment = payment
  end
  return fields
end

local function turn_payment(tag, payment, state)
  payment.state = state
  redis.call('HSET', payment.key, 'state', state)
  redis.call('ZREM', tag .. ':polls', payment.payment)
  if state == 'refund_due' then
    redis.call('PERSIST', payment.key)
    redis.call('ZADD', tag .. ':refunds', clock_ms(), payment.payment)
  else
    redis.call('ZREM', tag .. ':refunds', payment.payment)
    redis.call('EXPIRE', payment.key, PAYMENT_SECONDS)
  end
end

-- pay_v1 {tag} order buyer payment provider currency
-- Begins a payment, or answers the one that is under way. Answers {"ok", payment, amount_minor, deadline_ms, pay_url
-- (JSON), card}.
register_settling('pay_v1', function(keys, args)
  local tag, payment, at_ms = keys[1], args[3], clock_ms()
  local order = read_order(tag, args[1])
  if not order or order.buyer ~= args[2] then
    return { 'no', 'order_not_found' }
  end
  if order.state == 'sold' then
    return { 'no', 'already_paid' }
  end
  if (order.state ~= 'held' and order.state ~= 'paying') or order.expires_ms <= at_ms then
    return { 'no', 'order_over' }
  end
  if order.state == 'held' then
    redis.call('HSET', tag .. ':payment:' .. payment, 'order', order.order, 'room', order.room, 'state', 'created',
      'provider', args[4], 'amount_minor', order.total_minor, 'currency', args[5], 'deadline_ms', order.expires_ms,
      'created_ms', at_ms)
    redis.call('HSET', order.key, 'paid_for', 1)
    redis.call('ZADD', tag .. ':polls', at_ms + 3000, payment)
    order.payment, order.pay_url = payment, '""'
    turn_order(tag, order, 'paying', order.expires_ms + PAYING_GRACE_MS)
  end
  return { 'ok', order.payment, order.total_minor, order.expires_ms, order.pay_url, order_card(order) }
end)

-- pay_url_v1 {tag} order payment pay_url(JSON)
-- Keeps the address where a payment can be made. Answers {"ok", card}.
register_settling('pay_url_v1', function(keys, args)
  local tag = keys[1]
  local order = read_order(tag, args[1])
  if not order then
    return { 'no', 'order_not_found' }
  end
  if order.state == 'paying' and order.payment == args[2] and order.pay_url ~= args[3] then
    order.pay_url = args[3]
    turn_order(tag, order, 'paying', order.expires_ms + PAYING_GRACE_MS)
  end
  return { 'ok', order_card(order) }
end)

-- Whether units, limits and coupons of an ended order are all still there to be taken.
local function all_free(tag, order, sales)
  for index, line in ipairs(order.lines) do
    local sale = sales[index]
    if sale.settled == 1 or free_units(sale) < line[2]
      or units_of(tag, line[1], order.buyer) + line[2] > sale.limit then
      return false
    end
  end
  for _, coupon in ipairs(order.coupons) do
    local grant = read_grant(tag, coupon[1])
    if not grant or grant.state ~= 'active' then
      return false
    end
  end
  return true
end

-- Takes units, limits and coupons of an ended order again, all or nothing.
local function take_again(tag, order, at_ms)
  local sales = sales_of(tag, order.lines)
  if not sales or not all_free(tag, order, sales) then
    return false
  end
  for _, coupon in ipairs(order.coupons) do
    reserve_grant(tag, read_grant(tag, coupon[1]), order.order)
  end
  redis.call('PERSIST', order.key)
  redis.call('ZREM', tag .. ':ended', ended_as(order))
  for index, line in ipairs(order.lines) do
    count_buyer(tag, line[1], order.buyer, line[2])
    move_units(tag, sales[index], -line[2], line[2], 0, at_ms)
  end
  return true
end

-- Moves an order's units from held to sold.
local function sell_units(tag, order, at_ms)
  for _, line in ipairs(order.lines) do
    local sale = read_sale(tag, line[1])
    move_units(tag, sale, 0, -line[2], line[2], at_ms)
    publish_stock(tag, sale)
  end
end

local function sell(tag, order, payment, capture, at_ms)
  for _, coupon in ipairs(order.coupons) do
    spend_grant(tag, read_grant(tag, coupon[1]), coupon[2], at_ms)
  end
  local draft = redis.call('HGET', order.key, 'draft')
  order.payment = payment.payment
  local card = turn_order(tag, order, 'sold')
  sell_units(tag, order, at_ms)
  tell_outbox(tag, order.order .. ':order.confirmed:' .. int(order.v), 'order.confirmed', order.order, order.room,
    at_ms, string.sub(draft, 1, -2) .. ',"charge":' .. capture .. ',"created_ms":' .. int(order.created_ms)
    .. ',"confirmed_ms":' .. int(at_ms) .. ',"v":1}')
  return card
end

-- The content of a fact about a capture that became no order; `more` are its own fields, each after a comma.
local function unapplied(payment, more, at_ms)
  return '{"payment":"' .. payment.payment .. '","order":"' .. payment.order .. '","provider":"' .. payment.provider
    .. '","amount_minor":' .. int(payment.captured_minor) .. ',"currency":"' .. payment.captured_currency .. '","reason":"'
    .. payment.reason .. '"' .. more .. ',"at_ms":' .. int(at_ms) .. '}'
end

-- Why captured money cannot become its order, or nil; takes the units of a late one again.
local function capture_refusal(tag, order, payment, at_ms)
  if payment.captured_minor ~= payment.amount_minor or payment.captured_currency ~= payment.currency then
    return 'wrong_amount'
  end
  if not order then
    return 'order_gone'
  end
  if order.state == 'sold' then
    return 'paid_twice'
  end
  if order.total_minor ~= payment.amount_minor then
    return 'wrong_amount'
  end
  if not OPEN[order.state] and not take_again(tag, order, at_ms) then
    return 'too_late'
  end
  return nil
end

local DECIDED = { applied = true, refund_due = true, refunded = true }

-- payment_captured_v1 {tag} payment captured_minor currency transaction capture
-- Money was taken: it becomes the order, or is due back; decided once. Answers {"ok", outcome, reason}, the outcome
-- applied, refund_due or refunded.
register_settling('payment_captured_v1', function(keys, args)
  local tag = keys[1]
  local payment = read_payment(tag, args[1])
  if not payment then
    return { 'no', 'payment_not_found' }
  end
  if DECIDED[payment.state] then
    return { 'ok', payment.state, payment.reason or '' }
  end
  local at_ms = clock_ms()
  payment.captured_minor, payment.captured_currency = tonumber(args[2]), args[3]
  local order = read_order(tag, payment.order)
  local reason = capture_refusal(tag, order, payment, at_ms)
  redis.call('HSET', payment.key, 'captured_minor', args[2], 'captured_currency', args[3], 'transaction', args[4],
    'reason', reason or '')
  if reason then
    payment.reason = reason
    turn_payment(tag, payment, 'refund_due')
    if order and reason ~= 'paid_twice' then
      redis.call('HSET', order.key, 'given_back', payment.payment)
    end
    tell_outbox(tag, payment.payment .. ':payment.refund_due:1', 'payment.refund_due', payment.order, payment.room, at_ms,
      unapplied(payment, ',"transaction":' .. cjson.encode(args[4]), at_ms))
    return { 'ok', 'refund_due', reason }
  end
  sell(tag, order, payment, args[5], at_ms)
  turn_payment(tag, payment, 'applied')
  return { 'ok', 'applied', '' }
end)

-- payment_failed_v1 {tag} payment
-- The provider will not capture this payment; the buyer may try another while the hold lasts. Answers {"ok", state}.
register_settling('payment_failed_v1', function(keys, args)
  local tag = keys[1]
  local payment = read_payment(tag, args[1])
  if not payment then
    return { 'no', 'payment_not_found' }
  end
  if payment.state == 'created' then
    turn_payment(tag, payment, 'failed')
    local order = read_order(tag, payment.order)
    if order and order.state == 'paying' and order.payment == payment.payment then
      order.payment, order.pay_url = '', '""'
      turn_order(tag, order, 'held', order.expires_ms)
    end
  end
  return { 'ok', payment.state }
end)

-- payment_closed_v1 {tag} payment
-- The provider has closed this payment for good; its order is ended by whoever asked for the closing.
register_settling('payment_closed_v1', function(keys, args)
  local payment = read_payment(keys[1], args[1])
  if payment and payment.state == 'created' then
    turn_payment(keys[1], payment, 'closed')
  end
  return 'ok'
end)

-- Leases due members of a schedule: each is due again after a pause that doubles with every turn, up to five minutes.
local function lease(tag, schedule, counter, first_ms, count)
  local at_ms, leased = clock_ms(), {}
  for index, id in ipairs(redis.call('ZRANGE', tag .. schedule, '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, count)) do
    local turn = redis.call('HINCRBY', tag .. ':payment:' .. id, counter, 1)
    local pause = math.min(first_ms * 2 ^ math.min(turn - 1, 10), 300000)
    redis.call('ZADD', tag .. schedule, at_ms + pause, id)
    leased[index] = id
  end
  return leased
end

-- payments_due_v1 {tag} count
-- Payments whose provider should be asked now, each leased to the caller.
register_settling('payments_due_v1', function(keys, args)
  return lease(keys[1], ':polls', 'looks', 3000, args[1])
end)

-- refunds_due_v1 {tag} count
-- Captures that must go back, each leased to the caller: {payment, transaction, minor, currency, reason}...
register_settling('refunds_due_v1', function(keys, args)
  local refunds = {}
  for index, id in ipairs(lease(keys[1], ':refunds', 'tries', 5000, args[1])) do
    local payment = read_payment(keys[1], id)
    refunds[index] = { id, payment.transaction, payment.captured_minor, payment.captured_currency, payment.reason }
  end
  return refunds
end)

-- payment_refunded_v1 {tag} payment provider_refund
-- The provider has given the money back. Answers {"ok", state}.
register_settling('payment_refunded_v1', function(keys, args)
  local tag, at_ms = keys[1], clock_ms()
  local payment = read_payment(tag, args[1])
  if not payment then
    return { 'no', 'payment_not_found' }
  end
  if payment.state == 'refund_due' then
    turn_payment(tag, payment, 'refunded')
    tell_outbox(tag, payment.payment .. ':payment.refunded:1', 'payment.refunded', payment.order, payment.room, at_ms,
      unapplied(payment, ',"provider_refund":' .. cjson.encode(args[2]), at_ms))
  end
  return { 'ok', payment.state }
end)

-- order_given_back_v1 {tag} order
-- {state, reason} of the payment whose capture came to nothing for this order, or nothing.
redis.register_function{
  function_name = 'order_given_back_v1',
  callback = function(keys, args)
    local payment = redis.call('HGET', keys[1] .. ':order:' .. args[1], 'given_back')
    local found = payment and read_payment(keys[1], payment)
    return found and { found.state, found.reason } or {}
  end,
  flags = { 'no-writes' },
}

-- payment_read_v1 {tag} payment
-- {order, state, amount_minor, currency, deadline_ms, reason}, or nothing.
redis.register_function{
  function_name = 'payment_read_v1',
  callback = function(keys, args)
    local payment = read_payment(keys[1], args[1])
    if not payment then
      return {}
    end
    return { payment.order, payment.state, payment.amount_minor, payment.currency, payment.deadline_ms,
      payment.reason or '' }
  end,
  flags = { 'no-writes' },
}
