-- A server that has no names any more goes. KEYS: servers log o:me r:me   ARGV: me → 1 | 0 (it has some)
local me = ARGV[1]
if redis.call('SCARD', KEYS[3]) > 0 then
    return 0
end
redis.call('HDEL', SERVERS, 'l:' .. me, 'i:' .. me, 'p:' .. me)
redis.call('DEL', KEYS[4])
return 1
