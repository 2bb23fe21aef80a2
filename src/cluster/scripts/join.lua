-- A server comes, or comes back after it was buried. KEYS: servers log r:me
-- ARGV: me version lease info gen memory log age → 0 version | 1 gen last-id broadcasts last-number
local me, version, ms, info, gen, memory, log, age = unpack(ARGV)
local other = redis.call('HGET', SERVERS, 'v')
if other and other ~= version then
    return { 0, other }
end
redis.call('HSETNX', SERVERS, 'gen', gen)
if tonumber(age) > limit('age', 0) then
    redis.call('HSET', SERVERS, 'age', age)
end
redis.call('HSET', SERVERS, 'v', version, 'memory', memory, 'log', log, 'l:' .. me, digits(now + ms), 'i:' .. me, info)
-- Never less than where its tail begins: `$` would miss what comes until the first read.
local last = last_id()
redis.call('HSETNX', SERVERS, 'p:' .. me, last)
return {
    1, redis.call('HGET', SERVERS, 'gen'), last, redis.call('HGET', SERVERS, 'k') or '0',
    redis.call('HGET', KEYS[3], 'n') or '0',
}
