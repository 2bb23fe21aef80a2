-- A server is still there. KEYS: servers log due
-- ARGV: me lease info position → 0 (buried: it has to join) | 1 gen first-id last-id {lapsed servers} {names past their end}
local me, ms, info, position_now = unpack(ARGV)
if not redis.call('HGET', SERVERS, 'l:' .. me) then
    return { 0 }
end
redis.call('HSET', SERVERS, 'l:' .. me, digits(now + ms), 'i:' .. me, info, 'p:' .. me, position_now)
local lapsed, all = {}, redis.call('HGETALL', SERVERS)
for i = 1, #all, 2 do
    local server = string.match(all[i], '^l:(.*)$')
    if server and tonumber(all[i + 1]) <= now then
        lapsed[#lapsed + 1] = server
    end
end
local first = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
return {
    1, redis.call('HGET', SERVERS, 'gen') or '', first and first[1] or '0-0', last_id(), lapsed,
    redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', digits(now), 'LIMIT', 0, 100),
}
