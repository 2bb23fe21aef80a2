-- After the broker was away: is the name still ours? Also tells its groups. KEYS: servers log n q due o:me
-- ARGV: me epoch connection resume groups acked name
-- → -1 (the lease has lapsed) | 0 another's | 1 epoch: ours | 2 being taken from us | 3 epoch: made again
local me, epoch, connection, resume, groups, acked, name = unpack(ARGV)
local n, q, due, mine = KEYS[3], KEYS[4], KEYS[5], KEYS[6]
if not alive(me) then
    return { -1 }
end
local record, outcome = read(n), 1
if record and record.o == me and digits(record.oe) == epoch then
    return { 2 }
end
local owns = record and record.s == me and digits(record.e) == epoch
if record and not owns then
    if tonumber(epoch) <= record.e then
        if record.s ~= me and record.o ~= me then
            redis.call('SREM', mine, name)
        end
        return { 0 }
    end
    -- The broker has lost what was later: the greater epoch wins.
    if record.st ~= 'off' and record.s ~= me then
        note(#name, 't', 'T', 's', record.s, 'name', name, 'e', epoch)
    end
    record.st, record.o, record.oe, record.oc, record.oi = 'on', nil, nil, nil, nil
elseif not record then
    -- An epoch of its own: somebody may have had it meanwhile, and have gone.
    outcome, epoch = 3, digits(math.max(tonumber(epoch) + 1, micros))
    record = { st = 'on', b = '', bs = '', bn = '0', base = tonumber(acked), len = 0, bytes = 0, since = now }
    for _, message in ipairs(redis.call('LRANGE', q, 0, -1)) do
        record.len, record.bytes = record.len + 1, record.bytes + #message + OVERHEAD
    end
end
if not owns then
    record.e, record.s, record.c, record.rt, record.un = tonumber(epoch), me, connection, tonumber(resume), nil
    record.bell, record.j = '0', last_id()
    redis.call('ZREM', due, name)
    redis.call('PERSIST', n)
    redis.call('PERSIST', q)
end
record.g = groups
save(n, record)
redis.call('SADD', mine, name)
return { outcome, record.e }
