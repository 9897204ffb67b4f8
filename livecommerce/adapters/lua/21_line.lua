-- The line of a sale: people who wait for its units, in the order in which they came or were drawn.
--   {t}:queue:<sale>   person → ticket             {t}:asks:<sale>   person → "units entry"
--   {t}:in_line:<room>:<person>   sales; where to look when the person joins, not more
-- In the sale's hash: `line` (waitlist; lottery until the draw, then drawn), `waiting` (how many are in the queue), `tickets`
-- (the last one given) and `line_v`, which counts everything that is told.

local MOST_WAITING = 100000
local IN_LINE_SECONDS = 259200

function queue_key(tag, sale)
  return tag .. ':queue:' .. sale.sale
end

function read_ask(tag, sale, person)
  local units, entry = string.match(redis.call('HGET', tag .. ':asks:' .. sale.sale, person), '^(%d+) (%w*)$')
  return tonumber(units), entry
end

local function place_card(sale, v, state, place)
  return '{"sale":"' .. sale.sale .. '","v":' .. int(v) .. ',"state":"' .. state .. '","qty":' .. int(place.units)
    .. ',"ticket":' .. int(place.ticket) .. ',"ahead":' .. int(place.ahead or 0) .. ',"ends_ms":'
    .. int(place.ends_ms or 0) .. ',"entry":"' .. (place.entry or '') .. '"}'
end

-- Shows a person's place as it is from now on.
function tell_place(tag, sale, person, state, place)
  local card = place_card(sale, redis.call('HINCRBY', sale.key, 'line_v', 1), state, place)
  publish(tag, sale.room, '{"k":"personal","to":"' .. person .. '","place":' .. card .. '}')
  return card
end

-- How long the line is, and the ticket of who is first.
local function queue_count(tag, sale)
  local first = redis.call('ZRANGE', queue_key(tag, sale), 0, 0, 'WITHSCORES')
  return { tonumber(redis.call('HGET', sale.key, 'line_v') or 0), sale.waiting, tonumber(first[2] or 0) }
end

function publish_queue(tag, sale)
  redis.call('HINCRBY', sale.key, 'line_v', 1)
  local count = queue_count(tag, sale)
  publish(tag, sale.room, '{"k":"queue","queues":[{"sale":"' .. sale.sale .. '","v":' .. int(count[1]) .. ',"waiting":'
    .. int(count[2]) .. ',"head":' .. int(count[3]) .. '}]}')
end

function in_line_key(tag, sale, person)
  return tag .. ':in_line:' .. sale.room .. ':' .. person
end

function leave_queue(tag, sale, person)
  redis.call('ZREM', queue_key(tag, sale), person)
  redis.call('HDEL', tag .. ':asks:' .. sale.sale, person)
  sale.waiting = redis.call('HINCRBY', sale.key, 'waiting', -1)
end

-- A line ends with its sale; turns keep their time, like holds. The room hears of it by `sale.closed`.
function end_line(tag, sale)
  redis.call('UNLINK', queue_key(tag, sale), tag .. ':asks:' .. sale.sale, tag .. ':drawn:' .. sale.sale)
  redis.call('SREM', tag .. ':telling', sale.sale)
  redis.call('SREM', tag .. ':offering', sale.sale)
  redis.call('HSET', sale.key, 'waiting', 0)
  sale.waiting = 0
  publish_queue(tag, sale)
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

-- A person's places in the lines of a room's sales: {field, card, ...}.
function places_of(tag, room, person)
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
