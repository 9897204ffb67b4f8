-- Budgets of coupons. A budget is money in three places, available + reserved + spent = budget, none negative.
--   {t}:budget:<campaign>     hash      {t}:transfers:<campaign>   transfer → amount
--   {t}:budget_ends           campaign → when its coupons are over and what is left goes back to SQL

function move_budget(tag, campaign, available, reserved, spent)
  local key = tag .. ':budget:' .. campaign
  redis.call('HINCRBY', key, 'available', available)
  redis.call('HINCRBY', key, 'reserved', reserved)
  if spent ~= 0 then
    redis.call('HINCRBY', key, 'spent', spent)
  end
end

function budget_left(tag, campaign)
  return tonumber(redis.call('HGET', tag .. ':budget:' .. campaign, 'available') or 0)
end

-- Adds money to a campaign's budget on this shard, once per transfer.
function allot(tag, campaign, transfer, amount_minor, ends_ms)
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
function return_budgets(tag, at_ms)
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
