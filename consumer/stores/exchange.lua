#!lua
-- One step for a whole batch: marks KEYS[1..n] done, then claims the keys after them.
--
-- ARGV: window in seconds, n, then one fingerprint for each key.
-- Reply: the server's clock in seconds, then for each claim what stood there (false: nothing).
--
-- The first line makes the server refuse the script before it starts when memory is full; without
-- it a script stops half-way: https://redis.io/docs/latest/develop/reference/errors/common/oom/
-- SET with NX and GET together needs Redis 7.0: https://redis.io/docs/latest/commands/set/
local now = redis.call('TIME')[1]
local window = ARGV[1]
local done = tonumber(ARGV[2])
for i = 1, done do
  redis.call('SET', KEYS[i], 'D' .. ARGV[i + 2], 'EX', window)
end
local known = {now}
for i = done + 1, #KEYS do
  known[i - done + 1] =
    redis.call('SET', KEYS[i], 'P' .. now .. ':' .. ARGV[i + 2], 'NX', 'GET', 'EX', window)
end
return known
