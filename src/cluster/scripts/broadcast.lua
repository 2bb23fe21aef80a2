-- To everybody, or to a group. KEYS: servers log r:me   ARGV: me number group payload → its number in the cluster | -3
local me, number, group, payload = unpack(ARGV)
local outcome = before(KEYS[3], number)
if outcome then
    return outcome
end
local k = redis.call('HINCRBY', SERVERS, 'k', 1)
note(#payload, 't', 'B', 's', me, 'n', number, 'k', digits(k), 'g', group, 'd', payload)
return remember(KEYS[3], number, k)
