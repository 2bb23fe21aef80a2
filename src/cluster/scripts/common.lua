-- What the scripts have in common; it stands in front of each. KEYS[1] is the hash of the servers, KEYS[2] the log.
local SERVERS, LOG = KEYS[1], KEYS[2]
-- What a message takes beside its payload.
local OVERHEAD = 16
-- Outcomes of numbered commands that are remembered, and for how long.
local REMEMBERED, MEMORY = 1024, 600000
-- How much longer than its session an absent name's keys live, should nobody be there to end it.
local BELT = 60000
local now, micros = clock()

-- Not as 1.7e+15, nor as -0, which the broker refuses.
local function digits(number)
    return string.format('%.0f', number + 0)
end

-- The end of a server's lease; 0 of one that is not known.
local function lease(server)
    return tonumber(redis.call('HGET', SERVERS, 'l:' .. server) or 0)
end

local function alive(server)
    return lease(server) > now
end

local function limit(name, default)
    return tonumber(redis.call('HGET', SERVERS, name) or default)
end

local function last_id()
    local entry = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
    return entry and entry[1] or '0-0'
end

-- Whether the position a is behind b.
local function is_later(a, b)
    local am, as = string.match(a, '^(%d+)-(%d+)$')
    local bm, bs = string.match(b, '^(%d+)-(%d+)$')
    if not am or not bm then
        return am ~= nil
    end
    am, as, bm, bs = tonumber(am), tonumber(as), tonumber(bm), tonumber(bs)
    return am > bm or am == bm and as > bs
end

-- Writes into the log and takes from its front what is too much or too old, two entries for one.
local function note(size, ...)
    local bytes = redis.call('HINCRBY', SERVERS, 'c', size + 64)
    local id = redis.call('XADD', LOG, '*', 'c', digits(bytes), ...)
    local most, oldest, drop = limit('log', 67108864), now - limit('age', 60000), 0
    for _, entry in ipairs(redis.call('XRANGE', LOG, '-', '+', 'COUNT', 2)) do
        local born = tonumber(string.match(entry[1], '^%d+'))
        if bytes - tonumber(entry[2][2]) < most and born >= oldest then
            break
        end
        drop = drop + 1
    end
    if drop > 0 then
        redis.call('XTRIM', LOG, 'MAXLEN', redis.call('XLEN', LOG) - drop)
    end
    return id
end

local FIELDS = {
    'e', 's', 'c', 'st', 'o', 'oe', 'un', 'rt', 'g', 'b', 'bs', 'bn', 'base', 'len', 'bytes', 'bell', 'since', 'j',
    'le', 'lo', 'we', 'oc', 'oi',
}
local NUMBERS = { e = 1, oe = 1, un = 1, rt = 1, base = 1, len = 1, bytes = 1, since = 1, we = 1, oi = 1 }

-- The record of a name, or nil.
local function read(key)
    local flat, record = redis.call('HGETALL', key), {}
    for i = 1, #flat, 2 do
        record[flat[i]] = NUMBERS[flat[i]] and tonumber(flat[i + 1]) or flat[i + 1]
    end
    return record.st and record
end

local function save(key, record)
    local set, gone = {}, {}
    for _, field in ipairs(FIELDS) do
        local value = record[field]
        if value == nil then
            gone[#gone + 1] = field
        else
            set[#set + 1] = field
            set[#set + 1] = type(value) == 'number' and digits(value) or value
        end
    end
    redis.call('HSET', key, unpack(set))
    if #gone > 0 then
        redis.call('HDEL', key, unpack(gone))
    end
end

-- Nobody can come back to it any more.
local function ended(record)
    if record.st == 'off' then
        return record.un <= now
    end
    return lease(record.s) + record.rt <= now
end

local function count(record, messages, bytes)
    record.len, record.bytes = record.len + messages, record.bytes + bytes
    redis.call('HINCRBY', SERVERS, 'm', digits(bytes))
end

-- Ends a name; gives how many messages nobody will get.
local function drop(record, n, q, due, name)
    redis.call('DEL', n, q)
    redis.call('ZREM', due, name)
    redis.call('HINCRBY', SERVERS, 'm', digits(-record.bytes))
    return record.len
end

-- Messages at the end of a list.
local function append(record, q, messages)
    for _, message in ipairs(messages) do
        redis.call('RPUSH', q, message)
        count(record, 1, #message + OVERHEAD)
    end
end

-- Takes so many messages from the front of a list.
local function take(record, q, many)
    local left = math.min(many, record.len)
    while left > 0 do
        local step = math.min(left, 64)
        local bytes = 0
        for _, message in ipairs(redis.call('LRANGE', q, 0, step - 1)) do
            bytes = bytes + #message + OVERHEAD
        end
        redis.call('LTRIM', q, step, -1)
        record.base = record.base + step
        count(record, -step, -bytes)
        left = left - step
    end
end

-- Rings the owner, once until it has found the list empty.
local function ring(record, name)
    if record.st == 'on' and record.bell ~= '1' and record.len > 0 then
        record.bell = '1'
        note(#name, 't', 'H', 's', record.s, 'name', name, 'e', digits(record.e))
    end
end

-- Hands a name to the successor, which has waited for it.
local function release(record, name)
    record.st = 'on'
    record.j = note(#name, 't', 'R', 's', record.s, 'name', name, 'e', digits(record.e))
end

-- From now on until `un`, or a claim, nobody has it.
local function leave_off(record, n, q, due, name)
    redis.call('ZADD', due, digits(record.un), name)
    redis.call('PEXPIREAT', n, digits(record.un + BELT))
    redis.call('PEXPIREAT', q, digits(record.un + BELT))
end

-- The last reported position of a dead server is where its session stands, if it was reported after it had got the name.
local function position(record, dead)
    local reported = redis.call('HGET', SERVERS, 'p:' .. dead)
    if reported and is_later(reported, record.j or '') and is_later(reported, record.b or '') then
        record.b = reported
    end
end

-- Does what dead servers have left undone; tells whether it was taken from its owner, and whether a successor is to be told.
local function settle(record)
    local waited = record.st == 'mv'
    local freed, taken = false, false
    if record.o and not alive(record.o) then
        position(record, record.o)
        record.o, record.oe, record.oc, record.oi = nil, nil, nil, nil
        if waited then
            record.st, freed = 'on', true
        end
    end
    if record.st ~= 'off' and not alive(record.s) then
        -- A successor that was still waiting has given nothing.
        if not waited then
            position(record, record.s)
        end
        record.un = lease(record.s) + record.rt
        record.st, record.e, record.bell, taken, freed = 'off', record.e + 1, '0', true, false
    end
    return taken, freed
end

-- The outcome of a numbered command that has been carried out before.
local function before(ring_key, number)
    if tonumber(number) > tonumber(redis.call('HGET', ring_key, 'n') or 0) then
        return nil
    end
    local slot = redis.call('HGET', ring_key, number % REMEMBERED) or ''
    local of, outcome = string.match(slot, '^(%d+):(-?%d+)$')
    -- Too long ago: nobody waits for it any more.
    return of == number and tonumber(outcome) or -3
end

local function remember(ring_key, number, outcome)
    redis.call('HSET', ring_key, 'n', number, number % REMEMBERED, number .. ':' .. digits(outcome))
    redis.call('PEXPIREAT', ring_key, digits(now + MEMORY))
    return outcome
end
