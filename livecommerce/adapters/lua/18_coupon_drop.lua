-- Drops: coupons offered to a room, claimed in a race.
--   {t}:drop:<drop>   hash      {t}:claims:<drop>   person → grant      {t}:drops:<room>   set of drops

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
