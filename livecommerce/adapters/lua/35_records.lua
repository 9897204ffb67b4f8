-- records_read_v1 {tag} room person...
-- What is open of some people in a room, orders, coupons, and places in the lines of sales as they are at this moment:
-- {person, {field, card, ...}, ...}. Most have nothing,
-- and are left out.
redis.register_function{
  function_name = 'records_read_v1',
  callback = function(keys, args)
    local answer = {}
    for index = 2, #args do
      local cards = redis.call('HGETALL', keys[1] .. ':mine:' .. args[1] .. ':' .. args[index])
      for _, place in ipairs(places_of(keys[1], args[1], args[index])) do
        cards[#cards + 1] = place
      end
      if #cards > 0 then
        answer[#answer + 1] = args[index]
        answer[#answer + 1] = cards
      end
    end
    return answer
  end,
  flags = { 'no-writes' },
}
