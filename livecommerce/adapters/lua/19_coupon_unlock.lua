-- Coupons that the friends of a sharer unlock.
--   {t}:sharers:<campaign>   room:person → grant      {t}:arrivals:<grant>   set of persons

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
