-- The terms of a sale: how it begins, and how they change while it lasts. Times are reckoned from the server's clock, so
-- that no gateway's clock moves a start or an end.
--   {t}:adjustments:<sale>   operation → "fingerprint v available held sold", or "voided"; as long as the sale

-- The end of a sale that lasts as long as the show.
local NO_END_MS = 9999999999999
-- How far ahead a sale may be announced.
local MOST_AHEAD_MS = 86400000
-- How long a sale stays open after its draw, at least; as in what gateways take for a new one.
local LEAST_AFTER_DRAW_MS = 10000

-- Why a sale cannot open here, or what was answered when it did; nil where it may open.
local function answered_opening(tag, sale)
  local stored = redis.call('HMGET', tag .. ':sale:' .. sale.sale, 'offset', 'voided')
  if stored[1] then
    return { 'ok', tonumber(stored[1]) }
  end
  if stored[2] then
    return { 'no', 'key_reused' }
  end
  return room_refusal(tag, sale.room, sale.epoch, sale.expected)
end

local function write_sale(tag, sale)
  redis.call('HSET', sale.key, 'room', sale.room, 'sku', sale.sku, 'version', 1, 'phase', sale.phase,
    'price_minor', sale.price_minor, 'limit', sale.limit, 'opens_ms', sale.opens_ms, 'closes_ms', sale.closes_ms,
    'hold_ms', sale.hold_ms, 'v', 1, 'allocated', sale.stock, 'available', sale.stock, 'held', 0, 'sold', 0,
    'returned', 0, 'settled', 0, 'offer', sale.offer)
  redis.call('ZADD', tag .. ':sale_ends', sale.closes_ms, sale.sale)
  redis.call('SADD', tag .. ':sales:' .. sale.room, sale.sale)
end

local OPENING_1 = schema({ 'sale', 'room', 'epoch', 'expected', 'event', 'sku', 'price_minor', 'stock', 'limit', 'opens_ms',
  'closes_ms', 'hold_ms', 'offer' }, {})

-- sale_open_v1 {tag} sale room epoch expected_offset event sku price_minor stock limit opens_ms closes_ms hold_ms offer
-- Opens a sale, for gateways that reckon its times themselves and write its event: see sale_open_v2.
redis.register_function('sale_open_v1', function(keys, args)
  local tag, sale = keys[1], named(args, OPENING_1)
  local answered = answered_opening(tag, sale)
  if answered then
    return answered
  end
  sale.key, sale.phase = tag .. ':sale:' .. sale.sale, 'open'
  write_sale(tag, sale)
  local offset = append_event(tag, sale.room, clock_ms(), 'sale.opened', sale.event)
  redis.call('HSET', sale.key, 'offset', offset)
  return { 'ok', offset }
end)

local OPENING_2 = schema({ 'sale', 'room', 'epoch', 'expected', 'sku', 'price_minor', 'stock', 'limit', 'opens_ms', 'wait_ms',
  'length_ms', 'hold_ms', 'offer', 'card' }, { limit = true, stock = true })

-- When a sale begins and ends: at a given time or after a wait, and no earlier than now.
local function time_sale(sale, at_ms)
  sale.opens_ms = math.max(sale.opens_ms, at_ms + sale.wait_ms)
  sale.closes_ms = sale.length_ms > 0 and sale.opens_ms + sale.length_ms or NO_END_MS
  sale.phase = sale.opens_ms > at_ms and 'scheduled' or 'open'
end

-- sale_open_v2 {tag} sale room epoch expected_offset sku price_minor stock limit opens_ms wait_ms length_ms hold_ms offer
-- card
-- Opens a sale and appends `sale.opened`, or announces one that opens later and appends `sale.scheduled`, unless it was
-- voided. It opens at `opens_ms` or `wait_ms` from now, whichever is later, and lasts `length_ms`, or as long as the show
-- where that is 0. `card` is what the room shows of it, JSON, without what changes. Answers {"ok", offset}; the same sale
-- twice, the same.
redis.register_function('sale_open_v2', function(keys, args)
  local tag, at_ms, sale = keys[1], clock_ms(), named(args, OPENING_2)
  local answered = answered_opening(tag, sale)
  if answered then
    return answered
  end
  time_sale(sale, at_ms)
  if sale.opens_ms > at_ms + MOST_AHEAD_MS then
    return { 'no', 'opens_too_late', 'latest_ms', at_ms + MOST_AHEAD_MS }
  end
  sale.key, sale.version, sale.allocated = tag .. ':sale:' .. sale.sale, 1, sale.stock
  write_sale(tag, sale)
  redis.call('HSET', sale.key, 'card', sale.card)
  if sale.phase == 'scheduled' then
    redis.call('ZADD', tag .. ':sale_starts', sale.opens_ms, sale.sale)
  end
  schedule_draw(tag, sale)
  local offset = tell_sale(tag, sale, sale.phase == 'scheduled' and 'sale.scheduled' or 'sale.opened', at_ms)
  redis.call('HSET', sale.key, 'offset', offset)
  return { 'ok', offset }
end)

local ADJUSTMENT = schema({ 'sale', 'operation', 'version', 'price_minor', 'limit', 'extend_ms', 'added' },
  { version = true, limit = true, added = true })

local function adjustment_key(tag, sale)
  return tag .. ':adjustments:' .. sale
end

-- The answer to an operation that was decided before, or nil. The same operation with other contents is another one.
local function decided_adjustment(tag, change, fingerprint)
  local stored = redis.call('HGET', adjustment_key(tag, change.sale), change.operation)
  if not stored then
    return nil
  end
  local known, v, available, held, sold = string.match(stored, '^(%S+) (%d+) (%d+) (%d+) (%d+)$')
  if known ~= fingerprint then
    return { 'no', 'key_reused' }
  end
  return { 'ok', tonumber(v), tonumber(available), tonumber(held), tonumber(sold) }
end

-- Why the sale cannot be changed now, or nil.
local function unadjustable(sale, change, at_ms)
  if sale.phase == 'closed' or at_ms >= sale.closes_ms then
    return { 'no', 'sale_closed' }
  end
  if sale.version ~= change.version then
    return { 'no', 'sale_changed', 'version', sale.version }
  end
  if redis.call('HEXISTS', sale.key, 'card') == 0 then
    return { 'no', 'sale_not_adjustable' }
  end
  return nil
end

-- A sale that closes before its draw would draw for nobody.
local function draw_refusal(sale, change, at_ms)
  if change.extend_ms >= 0 or sale.line ~= 'lottery' then
    return nil
  end
  local earliest_ms = math.max(at_ms, draws_ms(sale)) + LEAST_AFTER_DRAW_MS
  if sale.closes_ms + change.extend_ms < earliest_ms then
    return { 'no', 'end_before_draw', 'earliest_ms', earliest_ms }
  end
  return nil
end

-- Why these terms cannot follow those, or nil.
local function terms_refusal(sale, change, at_ms)
  if change.limit > 0 and change.limit < sale.limit then
    return { 'no', 'limit_lowered', 'limit', sale.limit }
  end
  if free_units(sale) + change.added < 0 then
    return { 'no', 'too_few_available', 'available', sale.available }
  end
  if change.extend_ms ~= 0 and sale.closes_ms == NO_END_MS then
    return { 'no', 'sale_without_end' }
  end
  if sale.closes_ms + change.extend_ms <= math.max(at_ms, sale.opens_ms) then
    return { 'no', 'end_passed' }
  end
  return draw_refusal(sale, change, at_ms)
end

-- Units that leave a running sale are on hand again as soon as SQL hears of it.
local function tell_taken(tag, sale, change, at_ms)
  tell_outbox(tag, change.operation .. ':sale.reduced:1', 'sale.reduced', sale.sale, sale.room, at_ms,
    '{"sale":"' .. sale.sale .. '","operation":"' .. change.operation .. '","units":' .. int(-change.added)
    .. ',"at_ms":' .. int(at_ms) .. '}')
end

local function write_terms(tag, sale, change, at_ms)
  sale.version, sale.allocated = sale.version + 1, sale.allocated + change.added
  sale.price_minor = change.price_minor > 0 and change.price_minor or sale.price_minor
  sale.limit, sale.closes_ms = math.max(sale.limit, change.limit), sale.closes_ms + change.extend_ms
  redis.call('HSET', sale.key, 'version', sale.version, 'price_minor', sale.price_minor, 'limit', sale.limit,
    'closes_ms', sale.closes_ms, 'allocated', sale.allocated)
  redis.call('ZADD', tag .. ':sale_ends', sale.closes_ms, sale.sale)
  tell_sale(tag, sale, 'sale.adjusted', at_ms)
  move_units(tag, sale, change.added, 0, 0, at_ms)
end

-- sale_adjust_v2 {tag} sale operation version price_minor limit extend_ms added
-- Changes the terms of a sale that is not over, adds units to it or takes free ones away, and appends `sale.adjusted`.
-- A price or limit of 0 stays as it is. Open holds keep their price. Answers {"ok", v, available, held, sold}; the same
-- operation twice, the same.
redis.register_function('sale_adjust_v2', function(keys, args)
  local tag, change, at_ms = keys[1], named(args, ADJUSTMENT), clock_ms()
  local fingerprint = table.concat({ args[3], args[4], args[5], args[6], args[7] }, '|')
  local sale = read_sale(tag, change.sale)
  if not sale then
    return { 'no', 'sale_not_found' }
  end
  local answer = decided_adjustment(tag, change, fingerprint) or unadjustable(sale, change, at_ms)
    or terms_refusal(sale, change, at_ms)
  if answer then
    return answer
  end
  start_due_sale(tag, sale, at_ms)
  write_terms(tag, sale, change, at_ms)
  if change.added < 0 then
    tell_taken(tag, sale, change, at_ms)
  end
  publish_stock(tag, sale)
  redis.call('HSET', adjustment_key(tag, sale.sale), change.operation,
    table.concat({ fingerprint, int(sale.v), int(sale.available), int(sale.held), int(sale.sold) }, ' '))
  return { 'ok', unpack(stock_answer(sale)) }
end)

-- sale_adjust_void_v1 {tag} sale operation
-- Makes sure that a change which has not been made never will be, so that the units lent for it may go back to the shop.
-- Answers voided, or made.
register_settling('sale_adjust_void_v1', function(keys, args)
  local key = adjustment_key(keys[1], args[1])
  redis.call('HSETNX', key, args[2], 'voided')
  return redis.call('HGET', key, args[2]) == 'voided' and 'voided' or 'made'
end)
