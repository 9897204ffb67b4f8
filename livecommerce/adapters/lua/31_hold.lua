-- How a wish becomes a hold: all of its lines and coupons, or nothing.

-- A buyer's list of orders outlives all that can stand in it.
local LISTED_SECONDS = 2592000

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
