-- Closes a name, wherever it is. KEYS: servers log n q due   ARGV: code reason name
-- → 0 nobody of that name | 1 lost (it was absent and has ended) | 2 its server is told
local code, reason, name = unpack(ARGV)
local record = read(KEYS[3])
if not record or ended(record) then
    return { 0 }
end
if record.st == 'off' then
    return { 1, drop(record, KEYS[3], KEYS[4], KEYS[5], name) }
end
note(#name + #reason, 't', 'K', 's', record.s, 'name', name, 'e', digits(record.e), 'code', code, 'reason', reason)
return { 2 }
