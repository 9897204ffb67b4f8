-- Coupons. A budget is money in three places, available + reserved + spent = budget, none negative; what active and
-- reserved grants are worth stands in `reserved`, so a coupon in a wallet is always funded.
--   {t}:budget:<campaign>   hash     {t}:grant:<grant>   hash     {t}:grants:<campaign>   set of grants
--   {t}:drop:<drop>         hash     {t}:claims:<drop>   person → grant
--   {t}:sharers:<campaign>  room:person → grant           {t}:arrivals:<grant>   set of persons
--   {t}:drops:<room>        set of drops                   {t}:coupons:<room>     set of grants
--   {t}:grant_expiry        grant → end, while locked or active
--   {t}:budget_ends         campaign → when its coupons are over and what is left goes back to SQL
--   {t}:places:<campaign>   person → places taken, person:occasion → the attempts that keep one; only on the campaign's
--                           home shard, since rooms on several shards may give its coupons to one person

-- A whole number as text; the default would turn large ones into 1e+15.
local function int(number)
  return string.format('%d', number)
end

-- The names of a record's fields, or of a function's arguments, and which are numbers: those in `counts`, and those
-- ending in _ms or _minor.
local function schema(names, counts)
  return { names = names, counts = counts }
end

-- Found at the first use: Lua's own functions are not there yet while the library is loaded.
local function find_numbers(record)
  local numeric = {}
  for index, name in ipairs(record.names) do
    numeric[index] = record.counts[name] or string.find(name, '_ms$') ~= nil or string.find(name, '_minor$') ~= nil
  end
  record.numeric = numeric
  return numeric
end

-- A hash as a table, or nil where there is none.
local function read_fields(key, record)
  local names, numeric = record.names, record.numeric or find_numbers(record)
  local values = redis.call('HMGET', key, unpack(names))
  if not values[1] then
    return nil
  end
  local fields = { key = key }
  for index = 1, #names do
    local value = values[index]
    fields[names[index]] = numeric[index] and tonumber(value or 0) or value
  end
  return fields
end

-- Arguments as a table.
local function named(args, arguments)
  local names, numeric, fields = arguments.names, arguments.numeric or find_numbers(arguments), {}
  for index = 1, #names do
    fields[names[index]] = numeric[index] and tonumber(args[index]) or args[index]
  end
  return fields
end

-- Whether a room is where the caller believes it to be; every event that a call appends itself is checked so.
local function room_refusal(tag, room, epoch, expected_offset)
  local stored = redis.call('HMGET', tag .. ':room:' .. room, 'epoch', 'offset')
  if not stored[1] then
    return { 'no', 'room_not_found' }
  end
  if stored[1] ~= epoch or tonumber(stored[2]) ~= tonumber(expected_offset) then
    return { 'no', 'stale', 'offset', tonumber(stored[2]) }
  end
  return nil
end

local GRANT = schema({ 'room', 'campaign', 'owner', 'state', 'v', 'amount_minor', 'threshold_minor', 'arrivals',
  'needed', 'ends_ms', 'order', 'card' }, { v = true, arrivals = true, needed = true })

local function read_grant(tag, grant)
  local fields = read_fields(tag .. ':grant:' .. grant, GRANT)
  if fields then
    fields.grant = grant
  end
  return fields
end

local function grant_card(grant)
  return string.sub(grant.card, 1, -2) .. ',"grant":"' .. grant.grant .. '","v":' .. int(grant.v) .. ',"state":"'
    .. grant.state .. '","arrivals":' .. int(grant.arrivals) .. '}'
end

-- Stores a grant's new version, shows it to its owner, and keeps the expiry set to grants that can still run out.
local function turn_grant(tag, grant, state)
  grant.state, grant.v = state, grant.v + 1
  redis.call('HSET', grant.key, 'state', state, 'v', grant.v, 'arrivals', grant.arrivals, 'order', grant.order or '')
  local card = grant_card(grant)
  local mine = tag .. ':mine:' .. grant.room .. ':' .. grant.owner
  if state == 'spent' or state == 'expired' then
    redis.call('HDEL', mine, 'grant:' .. grant.grant)
  else
    redis.call('HSET', mine, 'grant:' .. grant.grant, card)
  end
  if state == 'locked' or state == 'active' then
    redis.call('ZADD', tag .. ':grant_expiry', grant.ends_ms, grant.grant)
  else
    redis.call('ZREM', tag .. ':grant_expiry', grant.grant)
  end
  publish(tag, grant.room, '{"k":"personal","to":"' .. grant.owner .. '","grant":' .. card .. '}')
  return card
end

local function tell_grant(tag, grant, kind, at_ms)
  tell_outbox(tag, grant.grant .. ':grant.' .. kind .. ':' .. int(grant.v), 'grant.' .. kind, grant.grant, grant.room,
    at_ms, '{"grant":"' .. grant.grant .. '","campaign":"' .. grant.campaign .. '","person":"' .. grant.owner
    .. '","amount_minor":' .. int(grant.amount_minor) .. ',"at_ms":' .. int(at_ms) .. '}')
end

local function move_budget(tag, campaign, available, reserved, spent)
  local key = tag .. ':budget:' .. campaign
  redis.call('HINCRBY', key, 'available', available)
  redis.call('HINCRBY', key, 'reserved', reserved)
  if spent ~= 0 then
    redis.call('HINCRBY', key, 'spent', spent)
  end
end

local function budget_left(tag, campaign)
  return tonumber(redis.call('HGET', tag .. ':budget:' .. campaign, 'available') or 0)
end

local function expire_grant(tag, grant, at_ms)
  if grant.state == 'active' then
    move_budget(tag, grant.campaign, grant.amount_minor, -grant.amount_minor, 0)
  end
  local card = turn_grant(tag, grant, 'expired')
  tell_grant(tag, grant, 'expired', at_ms)
  return card
end

-- Why this grant cannot lower this order, or nil; the threshold is on the list price of all lines.
local function grant_refusal(grant, room, buyer, gross_minor, discount_minor, at_ms)
  if not grant or grant.owner ~= buyer or grant.room ~= room then
    return { 'no', 'coupon_not_found' }
  end
  if grant.state ~= 'active' then
    return { 'no', 'coupon_' .. grant.state }
  end
  if grant.ends_ms <= at_ms then
    return { 'no', 'coupon_expired' }
  end
  if gross_minor < grant.threshold_minor or discount_minor > grant.amount_minor then
    return { 'no', 'coupon_threshold', 'threshold_minor', grant.threshold_minor }
  end
  return nil
end

local function reserve_grant(tag, grant, order)
  grant.order = order
  turn_grant(tag, grant, 'reserved')
end

local function spend_grant(tag, grant, discount_minor, at_ms)
  move_budget(tag, grant.campaign, grant.amount_minor - discount_minor, -grant.amount_minor, discount_minor)
  turn_grant(tag, grant, 'spent')
  tell_grant(tag, grant, 'spent', at_ms)
end

local function free_grant(tag, grant, at_ms)
  grant.order = ''
  if grant.ends_ms > at_ms then
    turn_grant(tag, grant, 'active')
  else
    grant.state = 'active'
    expire_grant(tag, grant, at_ms)
  end
end

-- Writes a new grant and puts it into its owner's wallet.
local function add_grant(tag, grant, state)
  grant.key, grant.v, grant.arrivals = tag .. ':grant:' .. grant.grant, 0, 0
  redis.call('HSET', grant.key, 'room', grant.room, 'campaign', grant.campaign, 'owner', grant.owner, 'amount_minor',
    grant.amount_minor, 'threshold_minor', grant.threshold_minor, 'needed', grant.needed, 'ends_ms', grant.ends_ms,
    'funder', grant.funder, 'card', grant.card)
  redis.call('SADD', tag .. ':grants:' .. grant.campaign, grant.grant)
  redis.call('SADD', tag .. ':owned:' .. grant.owner, grant.grant)
  redis.call('SADD', tag .. ':coupons:' .. grant.room, grant.grant)
  return turn_grant(tag, grant, state)
end

do
  -- The attempts that keep a person's place for an occasion, one word each.
  local function read_attempts(places, occasion)
    local attempts = {}
    for attempt in string.gmatch(redis.call('HGET', places, occasion) or '', '%S+') do
      attempts[#attempts + 1] = attempt
    end
    return attempts
  end

  local function take_place(places, person, occasion, per_person, attempt)
    local attempts = read_attempts(places, person .. ':' .. occasion)
    for _, known in ipairs(attempts) do
      if known == attempt then
        return { 'ok' }
      end
    end
    if #attempts == 0 then
      if tonumber(redis.call('HGET', places, person) or 0) >= per_person then
        return { 'no', 'coupon_limit_reached', 'limit', per_person }
      end
      redis.call('HINCRBY', places, person, 1)
    end
    attempts[#attempts + 1] = attempt
    redis.call('HSET', places, person .. ':' .. occasion, table.concat(attempts, ' '))
    return { 'ok' }
  end

  local function leave_place(places, person, occasion, attempt)
    local attempts, others = read_attempts(places, person .. ':' .. occasion), {}
    for _, known in ipairs(attempts) do
      if known ~= attempt then
        others[#others + 1] = known
      end
    end
    if #others > 0 then
      redis.call('HSET', places, person .. ':' .. occasion, table.concat(others, ' '))
    elseif #attempts > 0 then
      redis.call('HDEL', places, person .. ':' .. occasion)
      redis.call('HINCRBY', places, person, -1)
    end
    return { 'ok' }
  end

  -- What stands for attempts of callers that do not tell them apart.
  local ONE_ATTEMPT = '1'

  -- coupon_place_v2 {tag} campaign person occasion per_person attempt
  -- On the campaign's home shard: takes one of a person's places among the campaign's grants, once per occasion (the drop,
  -- or the room that is shared). Every attempt at the occasion's grant keeps the place. Answers {"ok"}.
  redis.register_function('coupon_place_v2', function(keys, args)
    return take_place(keys[1] .. ':places:' .. args[1], args[2], args[3], tonumber(args[4]), args[5])
  end)

  -- coupon_place_v1 {tag} campaign person occasion per_person
  redis.register_function('coupon_place_v1', function(keys, args)
    return take_place(keys[1] .. ':places:' .. args[1], args[2], args[3], tonumber(args[4]), ONE_ATTEMPT)
  end)

  -- coupon_unplace_v2 {tag} campaign person occasion attempt
  -- An attempt led to no grant: where it was the only one, the place is free again. Answers {"ok"}.
  redis.register_function('coupon_unplace_v2', function(keys, args)
    return leave_place(keys[1] .. ':places:' .. args[1], args[2], args[3], args[4])
  end)

  -- coupon_unplace_v1 {tag} campaign person occasion
  redis.register_function('coupon_unplace_v1', function(keys, args)
    return leave_place(keys[1] .. ':places:' .. args[1], args[2], args[3], ONE_ATTEMPT)
  end)
end

-- Adds money to a campaign's budget on this shard, once per transfer.
local function allot(tag, campaign, transfer, amount_minor, ends_ms)
  if redis.call('HSETNX', tag .. ':transfers:' .. campaign, transfer, amount_minor) == 1 then
    redis.call('HINCRBY', tag .. ':budget:' .. campaign, 'budget', amount_minor)
    redis.call('HINCRBY', tag .. ':budget:' .. campaign, 'available', amount_minor)
    redis.call('ZADD', tag .. ':budget_ends', ends_ms, campaign)
  end
end

-- A record of SQL's: what nobody claimed, unlocked or used goes back there. The campaign is over, so that nothing can want
-- it any more; each return of a shard has a number, for a budget that gets more after its end returns again.
local function return_budget(tag, campaign, at_ms)
  local key, shard, left = tag .. ':budget:' .. campaign, string.sub(tag, 3, -2), budget_left(tag, campaign)
  if left > 0 then
    redis.call('HINCRBY', key, 'budget', -left)
    redis.call('HINCRBY', key, 'available', -left)
    local transfer = 'returned:' .. shard .. ':' .. int(redis.call('HINCRBY', key, 'returns', 1))
    tell_outbox(tag, campaign .. ':' .. transfer, 'budget.returned', campaign, '', at_ms, '{"campaign":"' .. campaign
      .. '","transfer":"' .. transfer .. '","amount_minor":' .. int(left) .. ',"at_ms":' .. int(at_ms) .. '}')
  end
end

-- Returns what is left of campaigns that are over; while an open order keeps a coupon, its campaign waits.
local function return_budgets(tag, at_ms)
  local ends = tag .. ':budget_ends'
  for _, campaign in ipairs(redis.call('ZRANGE', ends, '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, 10)) do
    if tonumber(redis.call('HGET', tag .. ':budget:' .. campaign, 'reserved') or 0) > 0 then
      redis.call('ZADD', ends, at_ms + 10000, campaign)
    else
      return_budget(tag, campaign, at_ms)
      redis.call('ZREM', ends, campaign)
    end
  end
end

-- budget_allot_v1 {tag} campaign transfer amount ends_ms
-- Adds money to a campaign's budget on this shard, once per transfer; what is left at its end goes back. Answers {"ok",
-- budget, available, reserved, spent}.
redis.register_function('budget_allot_v1', function(keys, args)
  local earlier = redis.call('HGET', keys[1] .. ':transfers:' .. args[1], args[2])
  if earlier and earlier ~= args[3] then
    return { 'no', 'key_reused' }
  end
  allot(keys[1], args[1], args[2], args[3], args[4])
  local stored = redis.call('HMGET', keys[1] .. ':budget:' .. args[1], 'budget', 'available', 'reserved', 'spent')
  for index = 1, 4 do
    stored[index] = tonumber(stored[index] or 0)
  end
  return { 'ok', unpack(stored) }
end)

local DROP_COUNTS = { left = true, per_person = true }
local DROP = schema({ 'room', 'campaign', 'left', 'per_person', 'amount_minor', 'threshold_minor', 'ends_ms',
  'grant_ends_ms', 'funder', 'card' }, DROP_COUNTS)
local DROPPED = schema({ 'drop', 'room', 'epoch', 'expected', 'event', 'campaign', 'left', 'per_person',
  'amount_minor', 'threshold_minor', 'ends_ms', 'grant_ends_ms', 'funder', 'card' }, DROP_COUNTS)

-- coupon_drop_v1 {tag} drop room epoch expected_offset event campaign count per_person amount_minor threshold_minor
--   ends_ms grant_ends_ms funder card
-- Offers coupons to the room and appends `coupon.dropped`. Answers {"ok", offset}; the same drop twice, the same.
redis.register_function('coupon_drop_v1', function(keys, args)
  local tag = keys[1]
  local drop = named(args, DROPPED)
  local key = tag .. ':drop:' .. drop.drop
  local earlier = redis.call('HGET', key, 'offset')
  if earlier then
    return { 'ok', tonumber(earlier) }
  end
  local refusal = room_refusal(tag, drop.room, drop.epoch, drop.expected)
  if refusal then
    return refusal
  end
  local left = budget_left(tag, drop.campaign)
  if left < drop.left * drop.amount_minor then
    return { 'no', 'budget_spent', 'left_minor', left }
  end
  for _, name in ipairs(DROP.names) do
    redis.call('HSET', key, name, drop[name])
  end
  redis.call('SADD', tag .. ':drops:' .. drop.room, drop.drop)
  local offset = append_event(tag, drop.room, clock_ms(), 'coupon.dropped', drop.event)
  redis.call('HSET', key, 'offset', offset)
  return { 'ok', offset }
end)

local function claim_refusal(tag, drop, at_ms)
  if not drop then
    return { 'no', 'drop_not_found' }
  end
  if drop.ends_ms <= at_ms then
    return { 'no', 'drop_over' }
  end
  if drop.left < 1 or budget_left(tag, drop.campaign) < drop.amount_minor then
    return { 'no', 'coupons_gone' }
  end
  return nil
end

do
  local function look_at_drop(keys, args)
    local tag = keys[1]
    local drop = read_fields(tag .. ':drop:' .. args[1], DROP)
    if drop and args[3] and drop.room ~= args[3] then
      return { 'no', 'drop_not_found' }
    end
    local earlier = redis.call('HGET', tag .. ':claims:' .. args[1], args[2])
    if drop and earlier then
      return { 'ok', drop.campaign, drop.per_person, grant_card(read_grant(tag, earlier)) }
    end
    return claim_refusal(tag, drop, clock_ms()) or { 'ok', drop.campaign, drop.per_person }
  end

  -- coupon_look_v2 {tag} drop person room
  -- Whether a person in a room can claim a drop now; drops of other rooms are not found. Answers {"ok", campaign,
  -- per_person}, or {"ok", campaign, per_person, card} if the person has its coupon.
  redis.register_function{ function_name = 'coupon_look_v2', callback = look_at_drop, flags = { 'no-writes' } }
  -- coupon_look_v1 {tag} drop person
  redis.register_function{ function_name = 'coupon_look_v1', callback = look_at_drop, flags = { 'no-writes' } }
end

-- coupon_claim_v1 {tag} drop person grant
-- For who has a place at the campaign's home: takes one coupon of a drop; the person's second claim answers the first one's grant. Answers {"ok", card}.
redis.register_function('coupon_claim_v1', function(keys, args)
  local tag, drop_id, person = keys[1], args[1], args[2]
  local claims = tag .. ':claims:' .. drop_id
  local earlier = redis.call('HGET', claims, person)
  if earlier then
    return { 'ok', grant_card(read_grant(tag, earlier)) }
  end
  local drop, at_ms = read_fields(tag .. ':drop:' .. drop_id, DROP), clock_ms()
  local refusal = claim_refusal(tag, drop, at_ms)
  if refusal then
    return refusal
  end
  redis.call('HSET', claims, person, args[3])
  redis.call('HINCRBY', drop.key, 'left', -1)
  move_budget(tag, drop.campaign, -drop.amount_minor, drop.amount_minor, 0)
  local grant = { grant = args[3], room = drop.room, campaign = drop.campaign, owner = person, needed = 0,
    amount_minor = drop.amount_minor, threshold_minor = drop.threshold_minor, ends_ms = drop.grant_ends_ms,
    funder = drop.funder, card = drop.card }
  local card = add_grant(tag, grant, 'active')
  tell_grant(tag, grant, 'claimed', at_ms)
  return { 'ok', card }
end)

local LOCKED = schema({ 'grant', 'room', 'campaign', 'owner', 'needed', 'amount_minor', 'threshold_minor', 'ends_ms',
  'funder', 'card' }, { needed = true })

-- grant_create_v1 {tag} grant room campaign owner needed amount_minor threshold_minor ends_ms funder card
-- For who has a place at the campaign's home: a coupon that unlocks when `needed` friends have come; one per owner,
-- campaign and room, a repeat answers it.
redis.register_function('grant_create_v1', function(keys, args)
  local tag = keys[1]
  local grant = named(args, LOCKED)
  local sharers, sharer = tag .. ':sharers:' .. grant.campaign, grant.room .. ':' .. grant.owner
  local earlier = redis.call('HGET', sharers, sharer)
  if earlier then
    return { 'ok', grant_card(read_grant(tag, earlier)) }
  end
  redis.call('HSET', sharers, sharer, grant.grant)
  return { 'ok', add_grant(tag, grant, 'locked') }
end)

-- grant_arrival_v1 {tag} grant person lent_minor
-- Counts a verified arrival once per person and unlocks the grant when enough have come and the budget covers it; what
-- was lent for this grant is added to the budget first, once. Answers {"ok", card, what}: counted, unlocked, repeat,
-- unfunded (nothing was counted: lend and repeat), or ended (no longer locked).
redis.register_function('grant_arrival_v1', function(keys, args)
  local tag, person = keys[1], args[2]
  local grant = read_grant(tag, args[1])
  if not grant then
    return { 'no', 'grant_not_found' }
  end
  if grant.owner == person then
    return { 'no', 'own_arrival' }
  end
  if tonumber(args[3]) > 0 then
    allot(tag, grant.campaign, grant.grant, args[3], grant.ends_ms)
  end
  local at_ms = clock_ms()
  if grant.state ~= 'locked' or grant.ends_ms <= at_ms then
    return { 'ok', grant_card(grant), 'ended' }
  end
  local arrivals = tag .. ':arrivals:' .. grant.grant
  if redis.call('SISMEMBER', arrivals, person) == 1 then
    return { 'ok', grant_card(grant), 'repeat' }
  end
  local enough = grant.arrivals + 1 >= grant.needed
  if enough and budget_left(tag, grant.campaign) < grant.amount_minor then
    return { 'ok', grant_card(grant), 'unfunded' }
  end
  redis.call('SADD', arrivals, person)
  grant.arrivals = grant.arrivals + 1
  if not enough then
    return { 'ok', turn_grant(tag, grant, 'locked'), 'counted' }
  end
  move_budget(tag, grant.campaign, -grant.amount_minor, grant.amount_minor, 0)
  local card = turn_grant(tag, grant, 'active')
  tell_grant(tag, grant, 'unlocked', at_ms)
  return { 'ok', card, 'unlocked' }
end)

-- grant_sweep_v1 {tag} count
-- Expires grants that nobody used in time; their money is available again. Campaigns that are over return theirs to
-- SQL. Answers how many grants.
register_settling('grant_sweep_v1', function(keys, args)
  local tag, at_ms = keys[1], clock_ms()
  local due = redis.call('ZRANGE', tag .. ':grant_expiry', '-inf', int(at_ms), 'BYSCORE', 'LIMIT', 0, args[1])
  for _, grant in ipairs(due) do
    expire_grant(tag, read_grant(tag, grant), at_ms)
  end
  return_budgets(tag, at_ms)
  return #due
end)

-- budget_audit_v1 {tag} campaign
-- {budget, available, reserved, spent, worth of active and reserved grants, reserved grants without an open order};
-- reads every grant, not for hot paths.
redis.register_function{
  function_name = 'budget_audit_v1',
  callback = function(keys, args)
    local tag, worth, stuck = keys[1], 0, 0
    for _, id in ipairs(redis.call('SMEMBERS', tag .. ':grants:' .. args[1])) do
      local grant = read_grant(tag, id)
      if grant.state == 'active' or grant.state == 'reserved' then
        worth = worth + grant.amount_minor
      end
      if grant.state == 'reserved' and not redis.call('ZSCORE', tag .. ':expiry', grant.order) then
        stuck = stuck + 1
      end
    end
    local stored = redis.call('HMGET', tag .. ':budget:' .. args[1], 'budget', 'available', 'reserved', 'spent')
    for index = 1, 4 do
      stored[index] = tonumber(stored[index] or 0)
    end
    stored[5], stored[6] = worth, stuck
    return stored
  end,
  flags = { 'no-writes' },
}

-- grants_read_v1 {tag} person
-- A person's coupons on this shard, in any state: room and card, one after the other.
redis.register_function{
  function_name = 'grants_read_v1',
  callback = function(keys, args)
    local answer = {}
    for _, id in ipairs(redis.call('SMEMBERS', keys[1] .. ':owned:' .. args[1])) do
      local grant = read_grant(keys[1], id)
      if grant then
        answer[#answer + 1] = grant.room
        answer[#answer + 1] = grant_card(grant)
      end
    end
    return answer
  end,
  flags = { 'no-writes' },
}
