-- Grants: one person's coupon in one room. What active and reserved grants are worth stands in their campaign's budget as
-- `reserved`, so a coupon in a wallet is always funded.
--   locked → active → reserved → spent      locked, active → expired      reserved → active, or expired after its end
--   {t}:grant:<grant>       hash                          {t}:grants:<campaign>  set of grants
--   {t}:owned:<person>      set of grants                 {t}:coupons:<room>     set of grants
--   {t}:grant_expiry        grant → end, while locked or active

local GRANT = schema({ 'room', 'campaign', 'owner', 'state', 'v', 'amount_minor', 'threshold_minor', 'arrivals',
  'needed', 'ends_ms', 'order', 'card' }, { v = true, arrivals = true, needed = true })

function read_grant(tag, grant)
  local fields = read_fields(tag .. ':grant:' .. grant, GRANT)
  if fields then
    fields.grant = grant
  end
  return fields
end

function grant_card(grant)
  return string.sub(grant.card, 1, -2) .. ',"grant":"' .. grant.grant .. '","v":' .. int(grant.v) .. ',"state":"'
    .. grant.state .. '","arrivals":' .. int(grant.arrivals) .. '}'
end

-- Stores a grant's new version, shows it to its owner, and keeps the expiry set to grants that can still run out.
function turn_grant(tag, grant, state)
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

function tell_grant(tag, grant, kind, at_ms)
  tell_outbox(tag, grant.grant .. ':grant.' .. kind .. ':' .. int(grant.v), 'grant.' .. kind, grant.grant, grant.room,
    at_ms, '{"grant":"' .. grant.grant .. '","campaign":"' .. grant.campaign .. '","person":"' .. grant.owner
    .. '","amount_minor":' .. int(grant.amount_minor) .. ',"at_ms":' .. int(at_ms) .. '}')
end

function expire_grant(tag, grant, at_ms)
  if grant.state == 'active' then
    move_budget(tag, grant.campaign, grant.amount_minor, -grant.amount_minor, 0)
  end
  local card = turn_grant(tag, grant, 'expired')
  tell_grant(tag, grant, 'expired', at_ms)
  return card
end

-- Why this grant cannot lower this order, or nil; the threshold is on the list price of all lines.
function grant_refusal(grant, room, buyer, gross_minor, discount_minor, at_ms)
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

function reserve_grant(tag, grant, order)
  grant.order = order
  turn_grant(tag, grant, 'reserved')
end

function spend_grant(tag, grant, discount_minor, at_ms)
  move_budget(tag, grant.campaign, grant.amount_minor - discount_minor, -grant.amount_minor, discount_minor)
  turn_grant(tag, grant, 'spent')
  tell_grant(tag, grant, 'spent', at_ms)
end

function free_grant(tag, grant, at_ms)
  grant.order = ''
  if grant.ends_ms > at_ms then
    turn_grant(tag, grant, 'active')
  else
    grant.state = 'active'
    expire_grant(tag, grant, at_ms)
  end
end

-- Writes a new grant and puts it into its owner's wallet.
function add_grant(tag, grant, state)
  grant.key, grant.v, grant.arrivals = tag .. ':grant:' .. grant.grant, 0, 0
  redis.call('HSET', grant.key, 'room', grant.room, 'campaign', grant.campaign, 'owner', grant.owner, 'amount_minor',
    grant.amount_minor, 'threshold_minor', grant.threshold_minor, 'needed', grant.needed, 'ends_ms', grant.ends_ms,
    'funder', grant.funder, 'card', grant.card)
  redis.call('SADD', tag .. ':grants:' .. grant.campaign, grant.grant)
  redis.call('SADD', tag .. ':owned:' .. grant.owner, grant.grant)
  redis.call('SADD', tag .. ':coupons:' .. grant.room, grant.grant)
  return turn_grant(tag, grant, state)
end

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
