-- A server is dead: its names are absent ones from the end of its lease on. KEYS: servers log due o:dead n q n q …
-- ARGV: dead names… → 0 it lives, or has more names | 1 it is buried
local dead = ARGV[1]
local due, its = KEYS[3], KEYS[4]
if alive(dead) then
    return 0
end
for i = 2, #ARGV do
    local name, n, q = ARGV[i], KEYS[2 * i + 1], KEYS[2 * i + 2]
    local record = read(n)
    if record and (record.s == dead or record.o == dead) then
        local taken, freed = settle(record)
        if freed then
            release(record, name)
        end
        save(n, record)
        if taken then
            leave_off(record, n, q, due, name)
        end
    end
    redis.call('SREM', its, name)
end
if redis.call('SCARD', its) > 0 then
    return 0
end
redis.call('HDEL', SERVERS, 'l:' .. dead, 'i:' .. dead, 'p:' .. dead)
return 1
