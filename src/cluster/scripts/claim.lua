-- A connection takes a name. KEYS: servers log n q due o:me   ARGV: me connection resume groups name
-- → 0 (the lease has lapsed) | 1 epoch state base len bytes lost groups position by number inherited
-- → 2 epoch inherited: carried out before, and taken by another since then: nothing is left but to leave
-- inherited: the epoch of the connection of this same server that had it until now, and whose outbox goes along; or 0.
local me, connection, resume, groups, name = unpack(ARGV)
local n, q, due, mine = KEYS[3], KEYS[4], KEYS[5], KEYS[6]
if not alive(me) then
    return { 0 }
end
local record, lost = read(n), 0
local repeated = record and record.s == me and record.c == connection and record.st ~= 'off'
if record and record.o == me and record.oc == connection then
    return { 2, record.oe, record.oi or 0 }
end
if not repeated then
    if record and ended(record) then
        lost = drop(record, n, q, due, name)
        record = nil
    end
    local inherited
    local epoch = math.max(record and record.e + 1 or 0, micros)
    if record then
        settle(record)
        if record.st == 'off' then
            -- What its last owner has not released yet is still to come.
            record.st = record.o and 'mv' or 'on'
        elseif record.s == me then
            inherited = record.st == 'on' and record.e or nil
        else
            note(#name, 't', 'T', 's', record.s, 'name', name, 'e', digits(epoch))
            if record.st == 'on' then
                record.o, record.oe, record.st = record.s, record.e, 'mv'
                record.oc, record.oi = record.c, record.we
            end
        end
    else
        record = { st = 'on', g = groups, b = '', bs = '', bn = '0', base = 0, len = 0, bytes = 0 }
    end
    record.e, record.s, record.c, record.rt, record.un = epoch, me, connection, tonumber(resume), nil
    record.since, record.bell, record.j, record.we = now, '0', last_id(), inherited
    save(n, record)
    redis.call('ZREM', due, name)
    redis.call('SADD', mine, name)
    redis.call('PERSIST', n)
    redis.call('PERSIST', q)
end
return {
    1, record.e, record.st, record.base, record.len, record.bytes, lost, record.g, record.b, record.bs, record.bn,
    record.we or 0,
}
