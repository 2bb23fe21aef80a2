-- A message to a name. KEYS: servers log n q r:me due   ARGV: me number bound name payload
-- → 1 it is in the list | 0 nobody of that name | -1 the list is full | -2 all lists together are | -3 too long ago
local _, number, bound, name, payload = unpack(ARGV)
local n, q, ring_key = KEYS[3], KEYS[4], KEYS[5]
local outcome = before(ring_key, number)
if outcome then
    return outcome
end
local record, size = read(n), #payload + OVERHEAD
if not record or ended(record) then
    outcome = 0
elseif record.len > 0 and record.bytes + size > tonumber(bound) then
    outcome = -1
elseif limit('m', 0) + size > limit('memory', 268435456) then
    outcome = -2
else
    append(record, q, { payload })
    ring(record, name)
    save(n, record)
    if record.st == 'off' then
        leave_off(record, n, q, KEYS[6], name)
    end
    outcome = 1
end
return remember(ring_key, number, outcome)
