-- Flash sales. Units of a sale are in four places: available + held + sold + returned = allocated, none negative;
-- `returned` is 0 until the sale is closed and its last open hold has ended.
--   {t}:sale:<sale>     hash                     {t}:buyers:<sale>   person → units held or sold
--   {t}:sale_starts     sale → start, while scheduled
--   {t}:sale_ends       sale → end, until closed  phases: scheduled, open, sold_out, closed
--   {t}:given_back:<sale>   person → holds that ended without a sale
--   {t}:sales:<room>    set of sales
-- A hash that has only `voided` is the tombstone of a sale that must never open.

local SALE = schema({ 'room', 'sku', 'version', 'phase', 'price_minor', 'limit', 'opens_ms', 'closes_ms', 'hold_ms', 'v',
  'allocated', 'available', 'held', 'sold', 'returned', 'settled', 'line', 'waiting', 'turns' }, { version = true,
  limit = true, v = true, allocated = true, available = true, held = true, sold = true, returned = true, settled = true,
  waiting = true, turns = true })

function read_sale(tag, sale)
  local fields = read_fields(tag .. ':sale:' .. sale, SALE)
  if fields then
    fields.sale = sale
  end
  return fields
end

function stock_answer(sale)
  return { sale.v, sale.available, sale.held, sale.sold }
end

function publish_stock(tag, sale)
  publish(tag, sale.room, '{"k":"stock","stock":[{"sale":"' .. sale.sale .. '","v":' .. int(sale.v) .. ',"available":'
    .. int(sale.available) .. ',"held":' .. int(sale.held) .. ',"sold":' .. int(sale.sold) .. '}]}')
end

local function tell_phase(tag, sale, phase, kind, at_ms)
  sale.phase = phase
  redis.call('HSET', sale.key, 'phase', phase)
  append_event(tag, sale.room, at_ms, kind,
    '{"t":"' .. kind .. '","at_ms":' .. int(at_ms) .. ',"sale":"' .. sale.sale .. '"}')
end

-- What the room shows of a sale: what never changes, as it was given, and what does, as it is.
local function sale_card(sale)
  local card = redis.call('HGET', sale.key, 'card')
  return string.sub(card, 1, -2) .. ',"version":' .. int(sale.version) .. ',"phase":"' .. sale.phase
    .. '","price_minor":' .. int(sale.price_minor) .. ',"stock":' .. int(sale.allocated) .. ',"limit":'
    .. int(sale.limit) .. ',"opens_ms":' .. int(sale.opens_ms) .. ',"closes_ms":' .. int(sale.closes_ms) .. '}'
end

-- Appends an event that shows the whole sale; answers its offset.
function tell_sale(tag, sale, kind, at_ms)
  return append_event(tag, sale.room, at_ms, kind,
    '{"t":"' .. kind .. '","at_ms":' .. int(at_ms) .. ',"sale":' .. sale_card(sale) .. '}')
end

-- A closed sale without open holds gives the rest back to the shop, once.
local function settle(tag, sale, at_ms)
  sale.returned, sale.available, sale.settled = sale.available, 0, 1
  redis.call('HSET', sale.key, 'returned', sale.returned, 'settled', 1)
  tell_outbox(tag, sale.sale .. ':sale.closed:1', 'sale.closed', sale.sale, sale.room, at_ms,
    '{"sale":"' .. sale.sale .. '","sku":"' .. sale.sku .. '","allocated":' .. int(sale.allocated) .. ',"sold":'
    .. int(sale.sold) .. ',"returned":' .. int(sale.returned) .. ',"at_ms":' .. int(at_ms) .. '}')
end

-- Units that a new comer can have: none while others come first.
function free_units(sale)
  if sale.waiting > 0 or sale.line == 'lottery' then
    return 0
  end
  return sale.available
end

-- Stores a sale after its numbers changed; tells the room when the last unit goes and when one comes back for all.
function store_sale(tag, sale, at_ms)
  serve_line(tag, sale, at_ms)
  if sale.phase == 'open' and sale.available == 0 then
    tell_phase(tag, sale, 'sold_out', 'sold.out', at_ms)
  elseif sale.phase == 'sold_out' and sale.available > 0 and sale.waiting == 0 then
    tell_phase(tag, sale, 'open', 'restocked', at_ms)
  elseif sale.phase == 'closed' and sale.held == 0 and sale.settled == 0 then
    settle(tag, sale, at_ms)
  end
  sale.v = sale.v + 1
  redis.call('HSET', sale.key, 'v', sale.v, 'available', sale.available, 'held', sale.held, 'sold', sale.sold)
end

function move_units(tag, sale, available, held, sold, at_ms)
  sale.available, sale.held, sale.sold = sale.available + available, sale.held + held, sale.sold + sold
  store_sale(tag, sale, at_ms)
end

-- Counts units towards a buyer's limit, or gives them back.
function count_buyer(tag, sale, buyer, units)
  local key = tag .. ':buyers:' .. sale
  if redis.call('HINCRBY', key, buyer, units) == 0 then
    redis.call('HDEL', key, buyer)
  end
end

function units_of(tag, sale, buyer)
  return tonumber(redis.call('HGET', tag .. ':buyers:' .. sale, buyer) or 0)
end

-- Somebody who takes and gives back again and again keeps units from others and tells the room about each turn.
local MOST_GIVEN_BACK = 10

function count_given_back(tag, sale, buyer)
  redis.call('HINCRBY', tag .. ':given_back:' .. sale, buyer, 1)
end

function gives_back_too_often(tag, sale, buyer)
  return tonumber(redis.call('HGET', tag .. ':given_back:' .. sale, buyer) or 0) >= MOST_GIVEN_BACK
end

function is_due(sale, at_ms)
  return sale.phase == 'scheduled' and at_ms >= sale.opens_ms and at_ms < sale.closes_ms
end

-- Opens a scheduled sale whose time has come. Whoever comes first does it, a wish or a worker; the phase says that it
-- is done.
function start_due_sale(tag, sale, at_ms)
  if not is_due(sale, at_ms) then
    return
  end
  sale.phase = 'open'
  redis.call('HSET', sale.key, 'phase', 'open')
  redis.call('ZREM', tag .. ':sale_starts', sale.sale)
  tell_sale(tag, sale, 'sale.opened', at_ms)
  if sale.available == 0 then
    store_sale(tag, sale, at_ms)
  end
end

local function end_sale(tag, sale, at_ms)
  tell_phase(tag, sale, 'closed', 'sale.closed', at_ms)
  redis.call('ZREM', tag .. ':sale_starts', sale.sale)
  redis.call('ZREM', tag .. ':sale_ends', sale.sale)
  redis.call('HSET', sale.key, 'closes_ms', math.min(sale.closes_ms, at_ms))
  store_sale(tag, sale, at_ms)
  publish_stock(tag, sale)
end

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

-- Opens the sales whose time has come, and closes those whose time is over; answers how many.
function sweep_sales(tag, at_ms)
  local due = redis.call('ZRANGE', tag .. ':sale_starts', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, 10)
  for _, id in ipairs(due) do
    start_due_sale(tag, read_sale(tag, id), at_ms)
  end
  local over = redis.call('ZRANGE', tag .. ':sale_ends', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, 10)
  for _, id in ipairs(over) do
    end_sale(tag, read_sale(tag, id), at_ms)
  end
  return #due + #over
end
