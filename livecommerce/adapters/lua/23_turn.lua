-- Turns. Units that are free while somebody waits in a sale's line are set aside for who is first, as a turn: they count as
-- held, and towards the person's limit, until the person takes them with a wish, declines, or lets the turn lapse. Offering
-- happens in the call that frees them.
--   {t}:turns:<sale>   person → "units end ticket"   {t}:turn_ends   sale:person → end, for exactly the open ones
--   {t}:offering       sales that have more free units than one call offers; nobody else gets them meanwhile
-- In the sale's hash: `turns` (how many are open) and `turn_ms`.

MOST_OFFERS = 100

function read_turn(tag, sale, person)
  local stored = sale.turns > 0 and redis.call('HGET', tag .. ':turns:' .. sale.sale, person)
  if not stored then
    return nil
  end
  local units, ends_ms, ticket = string.match(stored, '^(%d+) (%d+) (%d+)$')
  return { units = tonumber(units), ends_ms = tonumber(ends_ms), ticket = tonumber(ticket) }
end

-- Sets free units aside for who is first; who has as many as anybody may have only leaves the line.
local function begin_turn(tag, sale, person, ticket, ends_ms)
  local asked, entry = read_ask(tag, sale, person)
  local units = math.min(asked, sale.available, sale.limit - units_of(tag, sale.sale, person))
  leave_queue(tag, sale, person)
  if units < 1 then
    redis.call('SREM', in_line_key(tag, sale, person), sale.sale)
    return tell_place(tag, sale, person, 'over', { units = 0, ticket = ticket })
  end
  redis.call('HSET', tag .. ':turns:' .. sale.sale, person, int(units) .. ' ' .. int(ends_ms) .. ' ' .. int(ticket))
  redis.call('ZADD', tag .. ':turn_ends', ends_ms, sale.sale .. ':' .. person)
  sale.turns = redis.call('HINCRBY', sale.key, 'turns', 1)
  count_buyer(tag, sale.sale, person, units)
  sale.available, sale.held = sale.available - units, sale.held + units
  return tell_place(tag, sale, person, 'turn', { units = units, ticket = ticket, ends_ms = ends_ms, entry = entry })
end

-- Offers free units in order, to so many people at most; the sweep goes on where more are free.
local function offer_turns(tag, sale, at_ms)
  local ends_ms = at_ms + tonumber(redis.call('HGET', sale.key, 'turn_ms'))
  local first = redis.call('ZRANGE', queue_key(tag, sale), 0, MOST_OFFERS - 1, 'WITHSCORES')
  for index = 1, #first, 2 do
    if sale.available == 0 then
      break
    end
    begin_turn(tag, sale, first[index], tonumber(first[index + 1]), ends_ms)
  end
  local unfinished = sale.available > 0 and sale.waiting > 0
  redis.call(unfinished and 'SADD' or 'SREM', tag .. ':offering', sale.sale)
  publish_queue(tag, sale)
end

-- What a change of a sale's numbers or phase means to its line; the caller stores the numbers.
function serve_line(tag, sale, at_ms)
  if sale.waiting == 0 then
    return
  end
  if sale.phase == 'closed' then
    end_line(tag, sale)
  elseif sale.available > 0 and sale.line ~= 'lottery' and at_ms < sale.closes_ms then
    offer_turns(tag, sale, at_ms)
  end
end

-- Takes a turn's units out of it; the caller moves and stores the sale's numbers.
function close_turn(tag, sale, person, turn, state)
  redis.call('HDEL', tag .. ':turns:' .. sale.sale, person)
  redis.call('ZREM', tag .. ':turn_ends', sale.sale .. ':' .. person)
  redis.call('SREM', in_line_key(tag, sale, person), sale.sale)
  sale.turns = redis.call('HINCRBY', sale.key, 'turns', -1)
  count_buyer(tag, sale.sale, person, -turn.units)
  sale.available, sale.held = sale.available + turn.units, sale.held - turn.units
  return tell_place(tag, sale, person, state, turn)
end

-- A turn ends without a wish, and its units go on to the next; somebody who lets them go again and again gets no more.
function give_turn_back(tag, sale, person, turn, state, at_ms)
  local card = close_turn(tag, sale, person, turn, state)
  count_given_back(tag, sale.sale, person)
  store_sale(tag, sale, at_ms)
  publish_stock(tag, sale)
  return card
end

-- Ends turns of the shard that were not taken in time; answers how many.
function expire_turns(tag, at_ms, count)
  local over = redis.call('ZRANGE', tag .. ':turn_ends', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, count)
  for _, member in ipairs(over) do
    local id, person = string.match(member, '^(%w+):(.*)$')
    local sale = read_sale(tag, id)
    give_turn_back(tag, sale, person, read_turn(tag, sale, person), 'lapsed', at_ms)
  end
  return #over
end

-- Offers more of what one call could not; who waited may have left meanwhile, and then there is nobody to offer it to.
local function go_on_offering(tag, id, at_ms)
  local sale = read_sale(tag, id)
  if sale then
    store_sale(tag, sale, at_ms)
    publish_stock(tag, sale)
  end
  if not sale or sale.waiting == 0 then
    redis.call('SREM', tag .. ':offering', id)
  end
end

-- Expires turns, and goes on offering and telling where one call was not enough; answers how much there was to do.
function sweep_lines(tag, at_ms, count)
  local over = expire_turns(tag, at_ms, count)
  local offering = redis.call('SRANDMEMBER', tag .. ':offering', 10)
  for _, id in ipairs(offering) do
    go_on_offering(tag, id, at_ms)
  end
  return over + #offering + sweep_draws(tag)
end

-- The turn that a buyer can use now, or nil; one that is over is ended first.
function usable_turn(tag, sale, buyer, at_ms)
  local turn = read_turn(tag, sale, buyer)
  if turn and turn.ends_ms <= at_ms then
    give_turn_back(tag, sale, buyer, turn, 'lapsed', at_ms)
    return nil
  end
  return turn
end
