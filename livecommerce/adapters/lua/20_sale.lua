-- Flash sales. Units of a sale are in four places: available + held + sold + returned = allocated, none negative;
-- `returned` is 0 until the sale is closed and its last open hold has ended.
--   {t}:sale:<sale>     hash                     {t}:buyers:<sale>   person → units held or sold
--   {t}:sale_ends       sale → end, while open   phases: open, sold_out, closed
--   {t}:given_back:<sale>   person → holds that ended without a sale
-- A hash that has only `voided` is the tombstone of a sale that must never open.

local SALE = schema({ 'room', 'sku', 'version', 'phase', 'price_minor', 'limit', 'opens_ms', 'closes_ms', 'hold_ms', 'v',
  'allocated', 'available', 'held', 'sold', 'returned', 'settled' }, { version = true, limit = true, v = true,
  allocated = true, available = true, held = true, sold = true, returned = true, settled = true })

local function read_sale(tag, sale)
  local fields = read_fields(tag .. ':sale:' .. sale, SALE)
  if fields then
    fields.sale = sale
  end
  return fields
end

local function stock_answer(sale)
  return { sale.v, sale.available, sale.held, sale.sold }
end

local function publish_stock(tag, sale)
  publish(tag, sale.room, '{"k":"stock","stock":[{"sale":"' .. sale.sale .. '","v":' .. int(sale.v) .. ',"available":'
    .. int(sale.available) .. ',"held":' .. int(sale.held) .. ',"sold":' .. int(sale.sold) .. '}]}')
end

local function tell_phase(tag, sale, phase, kind, at_ms)
  sale.phase = phase
  redis.call('HSET', sale.key, 'phase', phase)
  append_event(tag, sale.room, at_ms, kind,
    '{"t":"' .. kind .. '","at_ms":' .. int(at_ms) .. ',"sale":"' .. sale.sale .. '"}')
end

-- A closed sale without open holds gives the rest back to the shop, once.
local function settle(tag, sale, at_ms)
  sale.returned, sale.available, sale.settled = sale.available, 0, 1
  redis.call('HSET', sale.key, 'returned', sale.returned, 'settled', 1)
  tell_outbox(tag, sale.sale .. ':sale.closed:1', 'sale.closed', sale.sale, sale.room, at_ms,
    '{"sale":"' .. sale.sale .. '","sku":"' .. sale.sku .. '","allocated":' .. int(sale.allocated) .. ',"sold":'
    .. int(sale.sold) .. ',"returned":' .. int(sale.returned) .. ',"at_ms":' .. int(at_ms) .. '}')
end

-- Stores a sale after its numbers changed; tells the room when the last unit goes and when one comes back.
local function store_sale(tag, sale, at_ms)
  if sale.phase == 'open' and sale.available == 0 then
    tell_phase(tag, sale, 'sold_out', 'sold.out', at_ms)
  elseif sale.phase == 'sold_out' and sale.available > 0 then
    tell_phase(tag, sale, 'open', 'restocked', at_ms)
  elseif sale.phase == 'closed' and sale.held == 0 and sale.settled == 0 then
    settle(tag, sale, at_ms)
  end
  sale.v = sale.v + 1
  redis.call('HSET', sale.key, 'v', sale.v, 'available', sale.available, 'held', sale.held, 'sold', sale.sold)
end

local function move_units(tag, sale, available, held, sold, at_ms)
  sale.available, sale.held, sale.sold = sale.available + available, sale.held + held, sale.sold + sold
  store_sale(tag, sale, at_ms)
end

-- Counts units towards a buyer's limit, or gives them back.
local function count_buyer(tag, sale, buyer, units)
  local key = tag .. ':buyers:' .. sale
  if redis.call('HINCRBY', key, buyer, units) == 0 then
    redis.call('HDEL', key, buyer)
  end
end

local function units_of(tag, sale, buyer)
  return tonumber(redis.call('HGET', tag .. ':buyers:' .. sale, buyer) or 0)
end

-- Somebody who takes and gives back again and again keeps units from others and tells the room about each turn.
local MOST_GIVEN_BACK = 10

local function count_given_back(tag, sale, buyer)
  redis.call('HINCRBY', tag .. ':given_back:' .. sale, buyer, 1)
end

local function gives_back_too_often(tag, sale, buyer)
  return tonumber(redis.call('HGET', tag .. ':given_back:' .. sale, buyer) or 0) >= MOST_GIVEN_BACK
end

local function end_sale(tag, sale, at_ms)
  tell_phase(tag, sale, 'closed', 'sale.closed', at_ms)
  redis.call('ZREM', tag .. ':sale_ends', sale.sale)
  redis.call('HSET', sale.key, 'closes_ms', math.min(sale.closes_ms, at_ms))
  store_sale(tag, sale, at_ms)
  publish_stock(tag, sale)
end

local OPENING = schema({ 'sale', 'room', 'epoch', 'expected', 'event', 'sku', 'price_minor', 'stock', 'limit', 'opens_ms',
  'closes_ms', 'hold_ms', 'offer' }, {})

-- sale_open_v1 {tag} sale room epoch expected_offset event sku price_minor stock limit opens_ms closes_ms hold_ms offer
-- Opens a sale and appends `sale.opened`, unless it was voided. Answers {"ok", offset}; the same sale twice, the same.
redis.register_function('sale_open_v1', function(keys, args)
  local tag = keys[1]
  local sale = named(args, OPENING)
  local key = tag .. ':sale:' .. sale.sale
  local stored = redis.call('HMGET', key, 'offset', 'voided')
  if stored[1] then
    return { 'ok', tonumber(stored[1]) }
  end
  if stored[2] then
    return { 'no', 'key_reused' }
  end
  local refusal = room_refusal(tag, sale.room, sale.epoch, sale.expected)
  if refusal then
    return refusal
  end
  redis.call('HSET', key, 'room', sale.room, 'sku', sale.sku, 'version', 1, 'phase', 'open',
    'price_minor', sale.price_minor, 'limit', sale.limit, 'opens_ms', sale.opens_ms, 'closes_ms', sale.closes_ms,
    'hold_ms', sale.hold_ms, 'v', 1, 'allocated', sale.stock, 'available', sale.stock, 'held', 0, 'sold', 0,
    'returned', 0, 'settled', 0, 'offer', sale.offer)
  redis.call('ZADD', tag .. ':sale_ends', sale.closes_ms, sale.sale)
  local offset = append_event(tag, sale.room, clock_ms(), 'sale.opened', sale.event)
  redis.call('HSET', key, 'offset', offset)
  return { 'ok', offset }
end)

-- sale_void_v1 {tag} sale
-- Makes sure that a sale which is not there will never open, so that its stock may go back to the shop. Answers voided,
-- or exists. The tombstone outlives every call that may still be on its way.
register_settling('sale_void_v1', function(keys, args)
  local key = keys[1] .. ':sale:' .. args[1]
  if redis.call('HEXISTS', key, 'room') == 1 then
    return 'exists'
  end
  redis.call('HSET', key, 'voided', 1)
  redis.call('EXPIRE', key, 86400)
  return 'voided'
end)

-- sale_close_v1 {tag} sale version
-- Closes a sale; open holds keep their time. Answers {"ok", v, available, held, sold}; closing twice changes nothing.
register_settling('sale_close_v1', function(keys, args)
  local tag = keys[1]
  local sale = read_sale(tag, args[1])
  if not sale then
    return { 'no', 'sale_not_found' }
  end
  if sale.phase ~= 'closed' then
    if sale.version ~= tonumber(args[2]) then
      return { 'no', 'sale_changed', 'version', sale.version }
    end
    end_sale(tag, sale, clock_ms())
  end
  return { 'ok', unpack(stock_answer(sale)) }
end)

local ADJUSTMENT = schema({ 'sale', 'epoch', 'expected', 'event', 'version', 'price_minor', 'limit', 'closes_ms', 'added' },
  { version = true, limit = true, added = true })

local function adjustment_refusal(tag, sale, change)
  if not sale then
    return { 'no', 'sale_not_found' }
  end
  if sale.phase == 'closed' then
    return { 'no', 'sale_closed' }
  end
  if sale.version ~= change.version then
    return { 'no', 'sale_changed', 'version', sale.version }
  end
  if change.limit < sale.limit then
    return { 'no', 'limit_lowered', 'limit', sale.limit }
  end
  if sale.available + change.added < 0 then
    return { 'no', 'too_few_available', 'available', sale.available }
  end
  return room_refusal(tag, sale.room, change.epoch, change.expected)
end

-- sale_adjust_v1 {tag} sale epoch expected_offset event version price_minor limit closes_ms added
-- Changes a running sale, adds units to it or takes free ones away, and appends `sale.adjusted`. Open holds keep their
-- price. Answers {"ok", v, available, held, sold}; repeated, it is refused, as the version has moved on.
redis.register_function('sale_adjust_v1', function(keys, args)
  local tag, change = keys[1], named(args, ADJUSTMENT)
  local sale, at_ms = read_sale(tag, change.sale), clock_ms()
  local refusal = adjustment_refusal(tag, sale, change)
  if refusal then
    return refusal
  end
  redis.call('HSET', sale.key, 'version', sale.version + 1, 'price_minor', change.price_minor, 'limit', change.limit,
    'closes_ms', change.closes_ms, 'allocated', sale.allocated + change.added)
  redis.call('ZADD', tag .. ':sale_ends', change.closes_ms, sale.sale)
  append_event(tag, sale.room, at_ms, 'sale.adjusted', change.event)
  move_units(tag, sale, change.added, 0, 0, at_ms)
  publish_stock(tag, sale)
  return { 'ok', unpack(stock_answer(sale)) }
end)

-- sale_stock_v1 {tag} sale...
-- {v, available, held, sold} of each sale, false for unknown ones.
redis.register_function{
  function_name = 'sale_stock_v1',
  callback = function(keys, args)
    local answers = {}
    for index, id in ipairs(args) do
      local sale = read_sale(keys[1], id)
      answers[index] = sale and stock_answer(sale) or false
    end
    return answers
  end,
  flags = { 'no-writes' },
}
