-- The owner acknowledges what the kernel took and gets what comes next. KEYS: servers log n q
-- ARGV: me epoch acked from most → 0 (not its own any more, or not yet) | 1 base len messages…
-- A successor does not know yet where the list begins: what is less than that means there.
local me, epoch, acked, from, most = unpack(ARGV)
local n, q = KEYS[3], KEYS[4]
local record = read(n)
if not record or record.s ~= me or digits(record.e) ~= epoch or record.st ~= 'on' then
    return { 0 }
end
take(record, q, tonumber(acked) - record.base)
local answer, bytes = { 1, record.base, record.len }, 0
local at, room = math.max(0, tonumber(from) - record.base), tonumber(most)
while bytes < room and at < record.len do
    for _, message in ipairs(redis.call('LRANGE', q, at, at + 15)) do
        if bytes >= room then
            break
        end
        bytes = bytes + #message
        answer[#answer + 1] = message
        at = at + 1
    end
end
if #answer == 3 then
    record.bell = '0'
end
save(n, record)
return answer
