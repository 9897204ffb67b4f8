-- Revocations of the whole deployment: {t}:revocations, a sorted set of persons by the moment before which their
-- tokens are refused (UTC ms); {t} is the tag of the first shard.

-- revoke_v1 {tag} channel person before_ms oldest_ms revocation(JSON)
-- Keeps a revocation unless a later one stands, forgets those up to oldest_ms, and tells every gateway.
register_settling('revoke_v1', function(keys, args)
  local key = keys[1] .. ':revocations'
  redis.call('ZADD', key, 'GT', args[3], args[2])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', args[4])
  publish(keys[1], args[1], '{"k":"revoked","revocation":' .. args[5] .. '}')
end)
