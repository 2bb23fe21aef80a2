-- Ends absent sessions past their time: one's own, and others' after a while. KEYS: servers log due n q n q …
-- ARGV: me grace names… → for each name -1 (it goes on) or how many messages nobody will get
local me, grace = ARGV[1], tonumber(ARGV[2])
local answer = {}
for i = 3, #ARGV do
    local name, n, q = ARGV[i], KEYS[2 * i - 2], KEYS[2 * i - 1]
    local record = read(n)
    answer[#answer + 1] = -1
    if not record then
        redis.call('ZREM', KEYS[3], name)
    elseif record.st == 'off' and ended(record) and (record.s == me or record.un + grace <= now) then
        answer[#answer] = drop(record, n, q, KEYS[3], name)
    end
end
return answer
