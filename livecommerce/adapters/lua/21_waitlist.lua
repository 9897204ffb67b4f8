-- The line of a sale: people who wait for its units, in the order in which they came or were drawn. Units that are free
-- while somebody waits are set aside for who is first, as a turn: they count as held, and towards the person's limit, until
-- the person takes them with a wish, declines, or lets the turn lapse. Offering happens in the call that frees them.
--   {t}:queue:<sale>   person → ticket             {t}:asks:<sale>   person → "units entry"
--   {t}:turns:<sale>   person → "units end ticket"   {t}:turn_ends   sale:person → end, for exactly the open ones
--   {t}:offering       sales that have more free units than one call offers; nobody else gets them meanwhile
--   {t}:in_line:<room>:<person>   sales; where to look when the person joins, not more
-- In the sale's hash: `line` (waitlist; lottery until the draw, then drawn), `waiting` (how many are in the queue), `turns`
-- (how many are open), `turn_ms`, `tickets` (the last one given) and `line_v`, which counts everything that is told.

local MOST_WAITING = 100000
local MOST_OFFERS = 100
local IN_LINE_SECONDS = 259200

local function queue_key(tag, sale)
  return tag .. ':queue:' .. sale.sale
end

local function read_ask(tag, sale, person)
  local units, entry = string.match(redis.call('HGET', tag .. ':asks:' .. sale.sale, person), '^(%d+) (%w*)$')
  return tonumber(units), entry
end

local function read_turn(tag, sale, person)
  local stored = sale.turns > 0 and redis.call('HGET', tag .. ':turns:' .. sale.sale, person)
  if not stored then
    return nil
  end
  local units, ends_ms, ticket = string.match(stored, '^(%d+) (%d+) (%d+)$')
  return { units = tonumber(units), ends_ms = tonumber(ends_ms), ticket = tonumber(ticket) }
end

local function place_card(sale, v, state, place)
  return '{"sale":"' .. sale.sale .. '","v":' .. int(v) .. ',"state":"' .. state .. '","qty":' .. int(place.units)
    .. ',"ticket":' .. int(place.ticket) .. ',"ahead":' .. int(place.ahead or 0) .. ',"ends_ms":'
    .. int(place.ends_ms or 0) .. ',"entry":"' .. (place.entry or '') .. '"}'
end

-- Shows a person's place as it is from now on.
local function tell_place(tag, sale, person, state, place)
  local card = place_card(sale, redis.call('HINCRBY', sale.key, 'line_v', 1), state, place)
  publish(tag, sale.room, '{"k":"personal","to":"' .. person .. '","place":' .. card .. '}')
  return card
end

-- How long the line is, and the ticket of who is first.
local function queue_count(tag, sale)
  local first = redis.call('ZRANGE', queue_key(tag, sale), 0, 0, 'WITHSCORES')
  return { tonumber(redis.call('HGET', sale.key, 'line_v') or 0), sale.waiting, tonumber(first[2] or 0) }
end

local function publish_queue(tag, sale)
  redis.call('HINCRBY', sale.key, 'line_v', 1)
  local count = queue_count(tag, sale)
  publish(tag, sale.room, '{"k":"queue","queues":[{"sale":"' .. sale.sale .. '","v":' .. int(count[1]) .. ',"waiting":'
    .. int(count[2]) .. ',"head":' .. int(count[3]) .. '}]}')
end

local function in_line_key(tag, sale, person)
  return tag .. ':in_line:' .. sale.room .. ':' .. person
end

local function leave_queue(tag, sale, person)
  redis.call('ZREM', queue_key(tag, sale), person)
  redis.call('HDEL', tag .. ':asks:' .. sale.sale, person)
  sale.waiting = redis.call('HINCRBY', sale.key, 'waiting', -1)
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

-- A line ends with its sale; turns keep their time, like holds. The room hears of it by `sale.closed`.
local function end_line(tag, sale)
  redis.call('UNLINK', queue_key(tag, sale), tag .. ':asks:' .. sale.sale, tag .. ':drawn:' .. sale.sale)
  redis.call('SREM', tag .. ':telling', sale.sale)
  redis.call('SREM', tag .. ':offering', sale.sale)
  redis.call('HSET', sale.key, 'waiting', 0)
  sale.waiting = 0
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
local function close_turn(tag, sale, person, turn, state)
  redis.call('HDEL', tag .. ':turns:' .. sale.sale, person)
  redis.call('ZREM', tag .. ':turn_ends', sale.sale .. ':' .. person)
  redis.call('SREM', in_line_key(tag, sale, person), sale.sale)
  sale.turns = redis.call('HINCRBY', sale.key, 'turns', -1)
  count_buyer(tag, sale.sale, person, -turn.units)
  sale.available, sale.held = sale.available + turn.units, sale.held - turn.units
  return tell_place(tag, sale, person, state, turn)
end

-- A turn ends without a wish, and its units go on to the next; somebody who lets them go again and again gets no more.
local function give_turn_back(tag, sale, person, turn, state, at_ms)
  local card = close_turn(tag, sale, person, turn, state)
  count_given_back(tag, sale.sale, person)
  store_sale(tag, sale, at_ms)
  publish_stock(tag, sale)
  return card
end

-- Ends turns of the shard that were not taken in time; answers how many.
local function expire_turns(tag, at_ms, count)
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

-- Goes on telling who was not drawn: see 24_lottery.lua.
local sweep_draws

-- Expires turns, and goes on offering and telling where one call was not enough; answers how much there was to do.
local function sweep_lines(tag, at_ms, count)
  local over = expire_turns(tag, at_ms, count)
  local offering = redis.call('SRANDMEMBER', tag .. ':offering', 10)
  for _, id in ipairs(offering) do
    go_on_offering(tag, id, at_ms)
  end
  return over + #offering + sweep_draws(tag)
end

-- The turn that a buyer can use now, or nil; one that is over is ended first.
local function usable_turn(tag, sale, buyer, at_ms)
  local turn = read_turn(tag, sale, buyer)
  if turn and turn.ends_ms <= at_ms then
    give_turn_back(tag, sale, buyer, turn, 'lapsed', at_ms)
    return nil
  end
  return turn
end

-- A person's place as it is, or nil.
local function place_of(tag, sale, person)
  local stored = redis.call('HMGET', sale.key, 'line_v', 'entrants')
  local turn = read_turn(tag, sale, person)
  if turn then
    return place_card(sale, tonumber(stored[1]), 'turn', turn)
  end
  local ticket = sale.waiting > 0 and redis.call('ZSCORE', queue_key(tag, sale), person)
  if not ticket then
    return nil
  end
  local units, entry = read_ask(tag, sale, person)
  local place = { units = units, ticket = tonumber(ticket), entry = entry,
    ahead = redis.call('ZRANK', queue_key(tag, sale), person) }
  local state = sale.line == 'lottery' and 'entered' or 'waiting'
  if place.ticket <= tonumber(stored[2] or 0) then
    state = 'lost'
  end
  return place_card(sale, tonumber(stored[1]), state, place)
end

-- When the draw closes to new entries.
local function draws_ms(sale)
  return sale.opens_ms + tonumber(redis.call('HGET', sale.key, 'window_ms'))
end

-- Has a worker look at a sale's draw when the time for entries, which begins as the sale opens, is over.
local function schedule_draw(tag, sale)
  if redis.call('HGET', sale.key, 'line') == 'lottery' then
    redis.call('ZADD', tag .. ':draws', draws_ms(sale), sale.sale)
  end
end

local function draw_closed(sale, at_ms)
  return sale.line == 'lottery' and (redis.call('HEXISTS', sale.key, 'drawing') == 1 or at_ms >= draws_ms(sale))
end

-- Why nobody can join this line now, or nil.
local function line_refusal_of(sale, at_ms)
  if not sale.line then
    return { 'no', 'no_waitlist' }
  end
  if sale.phase == 'closed' or at_ms >= sale.closes_ms then
    return { 'no', 'sale_closed' }
  end
  if at_ms < sale.opens_ms then
    return { 'no', 'sale_not_open', 'opens_ms', sale.opens_ms }
  end
  if draw_closed(sale, at_ms) then
    return { 'no', 'draw_closed' }
  end
  if free_units(sale) > 0 then
    return { 'no', 'not_sold_out', 'available', sale.available }
  end
  if sale.waiting >= MOST_WAITING then
    return { 'no', 'line_full' }
  end
  return nil
end

-- line_prepare_v1 {tag} sale line turn_ms window_ms commit
-- Gives a sale that is about to open a line: waitlist, or lottery with the time for entries and the hash of its seed.
-- Nothing changes where the sale is open or was voided. When it draws is said by its opening; the look at it that is
-- kept here finds those that never open. Answers {"ok"}.
redis.register_function('line_prepare_v1', function(keys, args)
  local tag, key = keys[1], keys[1] .. ':sale:' .. args[1]
  local stored = redis.call('HMGET', key, 'offset', 'voided')
  if not stored[1] and not stored[2] then
    redis.call('HSET', key, 'line', args[2], 'turn_ms', args[3], 'window_ms', args[4], 'commit', args[5])
    if args[2] == 'lottery' then
      redis.call('ZADD', tag .. ':draws', 'NX', clock_ms() + tonumber(args[4]), args[1])
    end
  end
  return { 'ok' }
end)

do
  -- A sale as somebody in a room finds it: there are none of other rooms. Callers of the first versions name no room.
  local function sale_in_room(tag, id, room)
    local sale = read_sale(tag, id)
    return sale and (not room or sale.room == room) and sale or nil
  end

  local function join_line(keys, args)
    local tag, person, units = keys[1], args[2], tonumber(args[3])
    local sale, at_ms = sale_in_room(tag, args[1], args[5]), clock_ms()
    if not sale then
      return { 'no', 'sale_not_found' }
    end
    local known = place_of(tag, sale, person)
    if known then
      return { 'ok', known }
    end
    local refusal = line_refusal_of(sale, at_ms)
    if refusal then
      return refusal
    end
    if units_of(tag, sale.sale, person) + units > sale.limit or gives_back_too_often(tag, sale.sale, person) then
      return { 'no', 'limit_reached', 'limit', sale.limit }
    end
    local place = { units = units, entry = args[4], ahead = sale.waiting,
      ticket = redis.call('HINCRBY', sale.key, 'tickets', 1) }
    redis.call('ZADD', queue_key(tag, sale), place.ticket, person)
    redis.call('HSET', tag .. ':asks:' .. sale.sale, person, int(units) .. ' ' .. args[4])
    sale.waiting = redis.call('HINCRBY', sale.key, 'waiting', 1)
    redis.call('SADD', in_line_key(tag, sale, person), sale.sale)
    redis.call('EXPIRE', in_line_key(tag, sale, person), IN_LINE_SECONDS)
    local card = tell_place(tag, sale, person, sale.line == 'lottery' and 'entered' or 'waiting', place)
    publish_queue(tag, sale)
    return { 'ok', card }
  end

  -- line_join_v2 {tag} sale person units entry room
  -- Puts a person at the end of a sale's line, or into its draw; who has a place keeps it. Answers {"ok", place card}.
  redis.register_function('line_join_v2', join_line)
  -- line_join_v1 {tag} sale person units entry
  redis.register_function('line_join_v1', join_line)

  local function leave_line(keys, args)
    local tag, person = keys[1], args[2]
    local sale, at_ms = sale_in_room(tag, args[1], args[3]), clock_ms()
    if not sale then
      return { 'no', 'sale_not_found' }
    end
    local turn = read_turn(tag, sale, person)
    if turn then
      return { 'ok', give_turn_back(tag, sale, person, turn, 'left', at_ms) }
    end
    local ticket = redis.call('ZSCORE', queue_key(tag, sale), person)
    local place = { units = 0, ticket = tonumber(ticket or 0) }
    if not ticket then
      return { 'ok', place_card(sale, tonumber(redis.call('HGET', sale.key, 'line_v') or 0), 'left', place) }
    end
    if draw_closed(sale, at_ms) then
      return { 'no', 'draw_closed' }
    end
    leave_queue(tag, sale, person)
    redis.call('SREM', in_line_key(tag, sale, person), sale.sale)
    local card = tell_place(tag, sale, person, 'left', place)
    publish_queue(tag, sale)
    return { 'ok', card }
  end

  -- line_leave_v2 {tag} sale person room
  -- Gives up a person's place, turn or entry; without one nothing changes. Answers {"ok", place card}.
  register_settling('line_leave_v2', leave_line)
  -- line_leave_v1 {tag} sale person
  register_settling('line_leave_v1', leave_line)
end

-- A person's places in the lines of a room's sales: {field, card, ...}.
local function places_of(tag, room, person)
  local places = {}
  for _, id in ipairs(redis.call('SMEMBERS', tag .. ':in_line:' .. room .. ':' .. person)) do
    local sale = read_sale(tag, id)
    local card = sale and place_of(tag, sale, person)
    if card then
      places[#places + 1] = 'place:' .. id
      places[#places + 1] = card
    end
  end
  return places
end

-- queues_v1 {tag} sale...
-- {v, people waiting, ticket of the first} of each sale's line, false where there is none.
redis.register_function{
  function_name = 'queues_v1',
  callback = function(keys, args)
    local answers = {}
    for index, id in ipairs(args) do
      local sale = read_sale(keys[1], id)
      answers[index] = sale and sale.line and queue_count(keys[1], sale) or false
    end
    return answers
  end,
  flags = { 'no-writes' },
}

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
