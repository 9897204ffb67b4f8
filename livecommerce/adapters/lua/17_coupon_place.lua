-- How many coupons of a campaign one person may have.
--   {t}:places:<campaign>   person → places taken, person:occasion → the attempts that keep one; only on the campaign's
--                           home shard, since rooms on several shards may give its coupons to one person

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
