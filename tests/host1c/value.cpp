#include "host.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

std::string utf8(std::u16string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        char32_t point = text[at];
        if (point >= 0xD800 && point < 0xDC00 && at + 1 < text.size() && text[at + 1] >= 0xDC00 && text[at + 1] < 0xE000)
            point = 0x10000 + ((point - 0xD800) << 10) + (text[++at] - 0xDC00);
        const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
        if (point < 0x80) {
            put(point);
        } else if (point < 0x800) {
            put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
        } else if (point < 0x10000) {
            put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
        } else {
            put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F));
            put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
        }
    }
    return out;
}

Text utf16(std::string_view text) {
    Text out;
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at++]);
        const int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        char32_t point = more == 0 ? first : first & (0x3F >> more);
        for (int index = 0; index < more && at < text.size(); ++index)
            point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3F);
        if (point < 0x10000) {
            out.push_back(static_cast<char16_t>(point));
        } else {
            out.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
            out.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
        }
    }
    return out;
}

long elapsed_ms(Clock::time_point since) {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count());
}

void Promptness::add(Clock::time_point since, const std::string& what) {
    rounds_.push_back(elapsed_ms(since));
    CHECK_SAYS(rounds_.back() <= (slow_ ? 120'000 : 10'000), what + ": " + std::to_string(rounds_.back()) + " ms");
}

void Promptness::judge(long median_ms) const {
    CHECK(!rounds_.empty());
    std::vector<long> sorted = rounds_;
    std::sort(sorted.begin(), sorted.end());
    const long median = sorted[sorted.size() / 2];
    CHECK_SAYS(slow_ || median <= median_ms, "a median of " + std::to_string(median) + " ms");
}

void fail(const char* file, int line, const std::string& what) {
    std::fprintf(stderr, "%s:%d: expected %s\n", file, line, what.c_str());
    std::fflush(nullptr);
    // At once, wherever it was found: threads and the library are in no state to be wound up.
    std::_Exit(1);
}

bool Value::operator==(const Value& other) const {
    if (kind != other.kind) return false;
    switch (kind) {
    case UNDEFINED: return true;
    case BOOLEAN: return boolean == other.boolean;
    case NUMBER: return number == other.number;
    case STRING: return string == other.string;
    case BINARY: return binary == other.binary;
    }
    return false;
}

Value::operator bool() const {
    CHECK_SAYS(kind == BOOLEAN, show() + " is no condition");
    return boolean;
}

std::string Value::show() const {
    switch (kind) {
    case UNDEFINED: return "Неопределено";
    case BOOLEAN: return boolean ? "Истина" : "Ложь";
    case NUMBER: return std::to_string(number);
    case STRING: return '"' + utf8(string.substr(0, 200)) + '"';
    case BINARY: return "ДвоичныеДанные(" + std::to_string(binary.size()) + ")";
    }
    return "?";
}
