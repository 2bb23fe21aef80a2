-- A connection gives a name up, with all that the kernel has not taken, in order. KEYS: servers log n q due o:me
-- ARGV: me epoch fetched held(0|1) away|end groups position by number name rest… → 0 (not its own any more) | 1 lost
local me, epoch, fetched, held, how, groups, at, by, number, name = unpack(ARGV, 1, 10)
local n, q, due, mine = KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local record = read(n)
if not record then
    redis.call('SREM', mine, name)
    return { 0 }
end
local tag = me .. ':' .. epoch
local owns = record.s == me and digits(record.e) == epoch
local releases = record.o == me and digits(record.oe) == epoch
if not owns and not releases then
    if record.s ~= me and record.o ~= me then
        redis.call('SREM', mine, name)
    end
    -- What was done before and is said again.
    return { (record.le == tag or record.lo == tag) and 1 or 0, 0 }
end
if held == '1' or owns and record.st == 'mv' then
    -- It never had the list, nor a place in the log.
    for i = 11, #ARGV do
        append(record, q, { ARGV[i] })
    end
else
    take(record, q, tonumber(fetched) - record.base)
    for i = #ARGV, 11, -1 do
        redis.call('LPUSH', q, ARGV[i])
        record.base = record.base - 1
        count(record, 1, #ARGV[i] + OVERHEAD)
    end
    record.b, record.bs, record.bn = at, by, number
end
if releases then
    record.o, record.oe, record.oc, record.oi, record.lo = nil, nil, nil, nil, tag
    if record.st == 'mv' then
        release(record, name)
    end
elseif how == 'end' then
    redis.call('SREM', mine, name)
    return { 1, drop(record, n, q, due, name) }
else
    record.st, record.un, record.e, record.le = 'off', now + record.rt, record.e + 1, tag
    record.g, record.bell = groups, '0'
end
save(n, record)
if record.st == 'off' then
    leave_off(record, n, q, due, name)
end
if record.o ~= me and (record.s ~= me or record.st == 'off') then
    redis.call('SREM', mine, name)
end
return { 1, 0 }
