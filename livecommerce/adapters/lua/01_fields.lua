-- Fields of hashes and arguments of functions as tables, with the numbers as numbers.

-- A whole number as text; the default would turn large ones into 1e+15.
function int(number)
  return string.format('%d', number)
end

-- The names of a record's fields, or of a function's arguments, and which are numbers: those in `counts`, and those
-- ending in _ms or _minor.
function schema(names, counts)
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
function read_fields(key, record)
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
function named(args, arguments)
  local names, numeric, fields = arguments.names, arguments.numeric or find_numbers(arguments), {}
  for index = 1, #names do
    fields[names[index]] = numeric[index] and tonumber(args[index]) or args[index]
  end
  return fields
end
