-- Draws. Who enters the line of a lottery while its window is open has the same chance. When it is over a worker works out
-- the order from the seed and the entries, keeps it here in stretches, and finishes: only then does it count.
--   {t}:draws          sale → when to look at its draw next   {t}:drawn:<sale>   person → rank, until the draw is finished
--   {t}:draw:<sale>    "entry:units" → rank, and {t}:draw_of:<sale>, hash: what the export tells; outlives the room
--   {t}:telling        sales whose losers are yet to be told
-- In the sale's hash: `window_ms`, `commit`, `drawing` (nobody enters or leaves any more), and since the draw `entrants`
-- and `told` (the last rank that was told).

local DRAW_LEASE_MS = 5000
-- How long everybody can ask for the export.
local DRAW_SECONDS = 7776000
local UNOPENED_MS = 60000

-- When the draw closes to new entries.
function draws_ms(sale)
  return sale.opens_ms + tonumber(redis.call('HGET', sale.key, 'window_ms'))
end

-- Has a worker look at a sale's draw when the time for entries, which begins as the sale opens, is over.
function schedule_draw(tag, sale)
  if redis.call('HGET', sale.key, 'line') == 'lottery' then
    redis.call('ZADD', tag .. ':draws', draws_ms(sale), sale.sale)
  end
end

function draw_closed(sale, at_ms)
  return sale.line == 'lottery' and (redis.call('HEXISTS', sale.key, 'drawing') == 1 or at_ms >= draws_ms(sale))
end

-- Whether the draw of a sale is to be made now; keeps the schedule for those that are not.
local function draw_is_due(tag, id, sale, at_ms)
  if not sale then
    local unopened = redis.call('HEXISTS', tag .. ':sale:' .. id, 'line') == 1
      and redis.call('HEXISTS', tag .. ':sale:' .. id, 'voided') == 0
    redis.call(unopened and 'ZADD' or 'ZREM', tag .. ':draws', unpack(unopened and { at_ms + UNOPENED_MS, id } or { id }))
    return false
  end
  if sale.line ~= 'lottery' or sale.phase == 'closed' then
    redis.call('ZREM', tag .. ':draws', id)
    return false
  end
  local due_ms = draws_ms(sale)
  local due = at_ms >= due_ms or redis.call('HEXISTS', sale.key, 'drawing') == 1
  redis.call('ZADD', tag .. ':draws', due and at_ms + DRAW_LEASE_MS or due_ms, id)
  return due
end

-- draws_due_v1 {tag} count
-- Draws whose window is over, each leased to the caller: {sale, commit}...
register_settling('draws_due_v1', function(keys, args)
  local tag, at_ms, answer = keys[1], clock_ms(), {}
  local ids = redis.call('ZRANGE', tag .. ':draws', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, args[1])
  for _, id in ipairs(ids) do
    local sale = read_sale(tag, id)
    if draw_is_due(tag, id, sale, at_ms) then
      redis.call('HSET', sale.key, 'drawing', 1)
      answer[#answer + 1] = { id, redis.call('HGET', sale.key, 'commit') }
    end
  end
  return answer
end)

local function is_drawing(sale)
  return sale and sale.line == 'lottery' and sale.phase ~= 'closed' and redis.call('HEXISTS', sale.key, 'drawing') == 1
end

-- draw_rank_v1 {tag} sale first (person entry units)...
-- Keeps a stretch of the drawn order from a rank on, a hundred people at most. Answers {"ok"}; nothing changes where the
-- draw is made already or will never be.
register_settling('draw_rank_v1', function(keys, args)
  local tag, sale = keys[1], read_sale(keys[1], args[1])
  if is_drawing(sale) then
    for index = 3, #args, 3 do
      local rank = tonumber(args[2]) + (index - 3) / 3
      redis.call('ZADD', tag .. ':drawn:' .. sale.sale, rank, args[index])
      redis.call('ZADD', tag .. ':draw:' .. sale.sale, rank, args[index + 1] .. ':' .. args[index + 2])
    end
  end
  return { 'ok' }
end)

-- Tells the next hundred who were not drawn; they keep their places in the drawn order.
local function tell_losers(tag, sale)
  local stored = redis.call('HMGET', sale.key, 'told', 'entrants')
  local losers = redis.call('ZRANGE', queue_key(tag, sale), '(' .. stored[1], stored[2], 'BYSCORE', 'LIMIT', 0,
    MOST_OFFERS, 'WITHSCORES')
  for index = 1, #losers, 2 do
    local units, entry = read_ask(tag, sale, losers[index])
    local ticket = tonumber(losers[index + 1])
    tell_place(tag, sale, losers[index], 'lost', { units = units, ticket = ticket, entry = entry,
      ahead = redis.call('ZRANK', queue_key(tag, sale), losers[index]) })
    redis.call('HSET', sale.key, 'told', ticket)
  end
  redis.call(#losers == 2 * MOST_OFFERS and 'SADD' or 'SREM', tag .. ':telling', sale.sale)
  return #losers / 2
end

-- Goes on telling where one call was not enough, once every winner has been offered something; answers how many were told.
function sweep_draws(tag)
  local told = 0
  for _, id in ipairs(redis.call('SRANDMEMBER', tag .. ':telling', 1)) do
    if redis.call('SISMEMBER', tag .. ':offering', id) == 0 then
      told = told + tell_losers(tag, read_sale(tag, id))
    end
  end
  return told
end

local FINISHING = schema({ 'sale', 'seed', 'digest', 'units', 'entrants', 'winners' }, { units = true, entrants = true,
  winners = true })

-- Makes the drawn order the order of the line.
local function write_draw(tag, sale, draw)
  if draw.entrants > 0 then
    redis.call('RENAME', tag .. ':drawn:' .. sale.sale, queue_key(tag, sale))
    redis.call('SADD', tag .. ':telling', sale.sale)
  end
  sale.line = 'drawn'
  redis.call('HSET', sale.key, 'line', 'drawn', 'entrants', draw.entrants, 'told', 0)
  redis.call('HSET', tag .. ':draw_of:' .. sale.sale, 'commit', redis.call('HGET', sale.key, 'commit'), 'seed', draw.seed,
    'digest', draw.digest, 'units', draw.units)
  redis.call('EXPIRE', tag .. ':draw_of:' .. sale.sale, DRAW_SECONDS)
  redis.call('EXPIRE', tag .. ':draw:' .. sale.sale, DRAW_SECONDS)
  redis.call('ZREM', tag .. ':draws', sale.sale)
end

-- draw_finish_v1 {tag} sale seed digest units entrants winners
-- Publishes a draw whose whole order was kept, as `sale.drawn`, and offers the units to the winners. Answers {"ok",
-- "drawn"}, also where it was drawn before or its sale is over; "changed" where units or entrants are not those.
register_settling('draw_finish_v1', function(keys, args)
  local tag, at_ms, draw = keys[1], clock_ms(), named(args, FINISHING)
  local sale = read_sale(tag, draw.sale)
  if not is_drawing(sale) then
    return { 'ok', 'drawn' }
  end
  if sale.available ~= draw.units or sale.waiting ~= draw.entrants
    or redis.call('ZCARD', tag .. ':drawn:' .. sale.sale) ~= draw.entrants then
    return { 'ok', 'changed' }
  end
  write_draw(tag, sale, draw)
  append_event(tag, sale.room, at_ms, 'sale.drawn', '{"t":"sale.drawn","at_ms":' .. int(at_ms) .. ',"sale":"' .. sale.sale
    .. '","draw":{"seed":"' .. draw.seed .. '","digest":"' .. draw.digest .. '","units":' .. int(draw.units)
    .. ',"entrants":' .. int(draw.entrants) .. ',"winners":' .. int(draw.winners) .. '}}')
  store_sale(tag, sale, at_ms)
  publish_stock(tag, sale)
  sweep_draws(tag)
  return { 'ok', 'drawn' }
end)
