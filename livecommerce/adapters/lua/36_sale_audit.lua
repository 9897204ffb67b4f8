-- Sales counted twice: by their numbers, and by everything that holds, owns or waits for their units.

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

-- Walks a sale's turns: {units set aside, turns without their deadline}.
local function count_turns(tag, sale)
  local units, astray = 0, 0
  for _, person in ipairs(redis.call('HKEYS', tag .. ':turns:' .. sale.sale)) do
    units = units + read_turn(tag, sale, person).units
    if not redis.call('ZSCORE', tag .. ':turn_ends', sale.sale .. ':' .. person) then
      astray = astray + 1
    end
  end
  return units, astray
end

-- Deadlines of a sale's turns that are not there, by reading every deadline of the shard.
local function count_lost_ends(tag, sale)
  local lost = 0
  for _, member in ipairs(redis.call('ZRANGE', tag .. ':turn_ends', 0, -1)) do
    local id, person = string.match(member, '^(%w+):(.*)$')
    if id == sale.sale and redis.call('HEXISTS', tag .. ':turns:' .. id, person) == 0 then
      lost = lost + 1
    end
  end
  return lost
end

-- Places that cannot be: people who wait and have a turn, or who wait for nothing, and wrong counters.
local function count_misplaced(tag, sale)
  local queue, turns = queue_key(tag, sale), tag .. ':turns:' .. sale.sale
  local wrong = math.abs(redis.call('ZCARD', queue) - sale.waiting) + math.abs(redis.call('HLEN', turns) - sale.turns)
  for _, person in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    if redis.call('HEXISTS', turns, person) == 1 or redis.call('HEXISTS', tag .. ':asks:' .. sale.sale, person) == 0 then
      wrong = wrong + 1
    end
  end
  return wrong
end

-- {units set aside in turns, turns without a deadline and deadlines without a turn, places that cannot be, units that are
-- free though somebody waits and nobody is about to offer them}.
local function audit_line(tag, sale)
  local units, astray = count_turns(tag, sale)
  local offering = redis.call('SISMEMBER', tag .. ':offering', sale.sale) == 1 or sale.line == 'lottery'
  local idle = sale.waiting > 0 and not offering and sale.available or 0
  return { units, astray + count_lost_ends(tag, sale), count_misplaced(tag, sale), idle }
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
