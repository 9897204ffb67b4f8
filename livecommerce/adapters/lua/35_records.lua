-- Open orders and coupons by their names; of an order only its id is kept here, and its card stands with it.
local function open_cards(tag, mine)
  local stored, cards = redis.call('HGETALL', mine), {}
  for index = 1, #stored, 2 do
    local card = stored[index + 1]
    if card == '' then
      local order = read_order(tag, stored[index])
      card = order and order_card(order)
    end
    if card then
      cards[#cards + 1] = stored[index]
      cards[#cards + 1] = card
    end
  end
  return cards
end

-- records_read_v1 {tag} room person...
-- What is open of some people in a room: orders, those that ended a moment ago too, coupons, and places in the lines of
-- sales as they are at this moment: {person, {field, card, ...}, ...}. Most have nothing, and are left out.
redis.register_function{
  function_name = 'records_read_v1',
  callback = function(keys, args)
    local answer = {}
    for index = 2, #args do
      local cards = open_cards(keys[1], keys[1] .. ':mine:' .. args[1] .. ':' .. args[index])
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
