-- What is left of a connection that was passed over: to the end of the list, whatever its length.
-- KEYS: servers log n q r:me due   ARGV: me number name payload… → 1 | 0 nobody of that name | -3 too long ago
local _, number, name = unpack(ARGV, 1, 3)
local n, q, ring_key = KEYS[3], KEYS[4], KEYS[5]
local outcome = before(ring_key, number)
if outcome then
    return outcome
end
local record = read(n)
if not record or ended(record) then
    return remember(ring_key, number, 0)
end
for i = 4, #ARGV do
    append(record, q, { ARGV[i] })
end
ring(record, name)
save(n, record)
if record.st == 'off' then
    leave_off(record, n, q, KEYS[6], name)
end
return remember(ring_key, number, 1)
