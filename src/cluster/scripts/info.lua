-- What is known of a name. KEYS: servers log n   ARGV: none
-- → nothing | state server its-info since until len bytes groups now
local record = read(KEYS[3])
if not record or ended(record) then
    return {}
end
return {
    record.st, record.s, redis.call('HGET', SERVERS, 'i:' .. record.s) or '', digits(record.since),
    digits(record.un or 0), digits(record.len), digits(record.bytes), record.g, digits(now),
}
