// Values on their way in and out.
#include "host.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace {

Variant of_type(VarType type) {
    Variant variant;
    std::memset(&variant, 0, sizeof variant);
    variant.type = type;
    return variant;
}

// Assigns a raw variant. The text of the error, empty when it was accepted.
Text assign(Object& object, const char16_t* property, Variant variant) {
    const bool done = object.component->SetPropVal(object.property(property), &variant);
    const auto complaints = object.connection.take_complaints();
    CHECK(complaints.size() == (done ? 0 : 1));
    return done ? Text() : complaints[0].text;
}

// Calls with one raw variant, which stays as it was.
Text give(Object& object, const char16_t* method, Variant variant) {
    const Variant before = variant;
    const bool done = object.component->CallAsProc(object.method(method), &variant, 1);
    CHECK(std::memcmp(&variant, &before, sizeof variant) == 0);
    const auto complaints = object.connection.take_complaints();
    CHECK(complaints.size() == (done ? 0 : 1));
    return done ? Text() : complaints[0].text;
}

bool is_bad_cast(const Text& text) {
    CHECK_SAYS(text.find(u"<bad cast>") != Text::npos, utf8(text));
    return true;
}

void accepts(Object& object, const Variant& variant, int expected) {
    object.set(u"CloseTimeout", 1);
    const Text text = assign(object, u"CloseTimeout", variant);
    CHECK_SAYS(text.empty(), utf8(text) + " type " + std::to_string(variant.type));
    CHECK(object.get(u"CloseTimeout") == expected);
}

void refuses(Object& object, const Variant& variant) {
    object.set(u"CloseTimeout", 1234);
    CHECK(is_bad_cast(assign(object, u"CloseTimeout", variant)));
    CHECK(object.get(u"CloseTimeout") == 1234);
}

template <typename T> Variant with(VarType type, T Variant::* field, T value) {
    Variant variant = of_type(type);
    variant.*field = value;
    return variant;
}

Variant narrow(VarType type, std::string_view bytes) {
    Variant variant = of_type(type);
    variant.narrow = {const_cast<char*>(bytes.data()), static_cast<std::uint32_t>(bytes.size())};
    return variant;
}

Variant wide(std::u16string_view text) {
    Variant variant = of_type(VT_PWSTR);
    variant.wide = {const_cast<WCHAR_T*>(text.data()), static_cast<std::uint32_t>(text.size())};
    return variant;
}

VarType type_of(Object& object, const char16_t* property) {
    Variant variant = of_type(VT_EMPTY);
    CHECK(object.component->GetPropVal(object.property(property), &variant));
    const auto type = static_cast<VarType>(variant.type);
    object.release(variant);
    return type;
}

} // namespace

SCENARIO(numbers) {
    const Library library(setting.library);
    Object client(library, u"Client");
    accepts(client, with(VT_I1, &Variant::i1, std::int8_t{100}), 100);
    accepts(client, with(VT_UI1, &Variant::ui1, std::uint8_t{200}), 200);
    accepts(client, with(VT_I2, &Variant::i2, std::int16_t{30000}), 30000);
    accepts(client, with(VT_UI2, &Variant::ui2, std::uint16_t{60000}), 60000);
    accepts(client, with(VT_I4, &Variant::i4, std::int32_t{100000}), 100000);
    accepts(client, with(VT_UI4, &Variant::ui4, std::uint32_t{100000}), 100000);
    accepts(client, with(VT_INT, &Variant::integer, 100000), 100000);
    accepts(client, with(VT_UINT, &Variant::uinteger, 100000u), 100000);
    accepts(client, with(VT_I8, &Variant::i8, std::int64_t{100000}), 100000);
    accepts(client, with(VT_UI8, &Variant::ui8, std::uint64_t{100000}), 100000);
    accepts(client, with(VT_R4, &Variant::r4, 1024.0F), 1024);
    accepts(client, with(VT_R8, &Variant::r8, 100000.0), 100000);
    accepts(client, with(VT_R8, &Variant::r8, -0.0), 0);
    // What lies in the union besides the value must not matter.
    Variant dirty;
    std::memset(&dirty, 0xEE, sizeof dirty);
    dirty.type = VT_UI1;
    dirty.ui1 = 9;
    accepts(client, dirty, 9);

    refuses(client, with(VT_R8, &Variant::r8, 7.5));
    refuses(client, with(VT_R4, &Variant::r4, 0.1F));
    refuses(client, with(VT_R8, &Variant::r8, std::nan("")));
    refuses(client, with(VT_R8, &Variant::r8, std::numeric_limits<double>::infinity()));
    refuses(client, with(VT_R8, &Variant::r8, 1e300));
    refuses(client, with(VT_UI8, &Variant::ui8, std::numeric_limits<std::uint64_t>::max()));
    refuses(client, with(VT_DATE, &Variant::date, 45000.0));
    refuses(client, of_type(VT_TM));
    refuses(client, of_type(VT_EMPTY));
    refuses(client, with(VT_BOOL, &Variant::boolean, true));
    refuses(client, wide(u"5"));
    refuses(client, narrow(VT_PSTR, "5"));
    refuses(client, narrow(VT_BLOB, "5"));
    for (const std::uint16_t type : {9, 12, 21, 24, 25, 0x1000, 0x2003, 0x4016, 0xFFFF}) {
        Variant strange = of_type(VT_EMPTY);
        strange.type = type;
        CHECK_SAYS(!assign(client, u"CloseTimeout", strange).empty(), std::to_string(type));
    }
    // Whole, but out of the property's range.
    for (const double value : {-1.0, 2147483648.0, 1e15})
        CHECK(!assign(client, u"CloseTimeout", with(VT_R8, &Variant::r8, value)).empty());
    CHECK(client.get(u"CloseTimeout") == 1234);
    client.set(u"SendTimeout", -1);
    CHECK(client.get(u"SendTimeout") == -1);

    const struct { double value; VarType type; } results[] = {
        {1, VT_I4}, {2147483647.0, VT_I4}, {2147483648.0, VT_R8}, {9007199254740992.0, VT_R8}};
    for (const auto& [value, type] : results) {
        client.set(u"MaxMessageSize", value);
        CHECK(client.get(u"MaxMessageSize") == value);
        CHECK(type_of(client, u"MaxMessageSize") == type);
    }
    CHECK(type_of(client, u"Status") == VT_I4 && type_of(client, u"Protocols") == VT_PWSTR);
}

SCENARIO(strings) {
    const Library library(setting.library);
    Pair pair(library);
    Object &client = pair.client, &server = pair.server;
    Value id, data = 5;
    const auto arrives = [&](const Value& expected) {
        CHECK(server.call(u"Receive", {10000, id, data}));
        CHECK_SAYS(data == expected, data.show());
        // The way back, over whatever the variable holds now.
        CHECK(server.call(u"Send", {id, data}));
        CHECK(client.call(u"Receive", {10000, data}));
        CHECK(data == expected);
    };
    for (const Text& text : {Text(u""), Text(u"a"), Text(u"ЦУ ёЁ йЙ"), Text(u"a\0б\0", 4), Text(u"\0", 1), Text(u"😀"),
                             Text(u"𝄞 ключ 𝄞"), Text(u"\uFEFF\uFFFF"), Text(u"€\r\n\t")}) {
        client.call(u"Send", {text});
        arrives(text);
    }
    // Strings of UTF-8 instead of UTF-16, not terminated.
    const std::string narrow_text = "ЦУ 😀";
    CHECK(give(client, u"Send", narrow(VT_PSTR, narrow_text)).empty());
    arrives(u"ЦУ 😀");
    CHECK(!give(client, u"Send", narrow(VT_PSTR, "\xD0")).empty());
    CHECK(!give(client, u"Send", narrow(VT_PSTR, "\xED\xA0\x80")).empty());
    for (const Bytes& bytes : {Bytes{}, Bytes{0}, Bytes{0, 255, 128, 10}, Bytes(70000, 0xC3)}) {
        client.call(u"Send", {bytes});
        arrives(bytes);
    }
    // Exactly as long as told: a memory checker sees whoever looks further.
    const std::vector<WCHAR_T> exact = {u'Ц', u'У'};
    CHECK(give(client, u"Send", wide({exact.data(), exact.size()})).empty());
    arrives(u"ЦУ");

    // Half of a pair is no character; nothing of it is sent.
    const char16_t high = 0xD83D, low = 0xDE00;
    for (const Text& broken : {Text(1, high), Text(1, low), Text(u"аб") + high, high + Text(u"аб"), Text{low, high},
                               Text(5000, u'а') + high + Text(5000, u'б')}) {
        const Text said = client.refused(u"Send", {broken});
        CHECK(!said.empty());
    }
    CHECK(!client.refused_set(u"Protocols", Text(1, low)).empty());
    client.call(u"Send", {u"после"});
    arrives(u"после");

    // The wrong type for a text.
    for (const VarType type : {VT_EMPTY, VT_I4, VT_R8, VT_BOOL, VT_DATE, VT_TM, VT_NULL}) {
        CHECK(is_bad_cast(give(client, u"Send", of_type(type))));
        CHECK(is_bad_cast(give(client, u"Connect", of_type(type))));
    }
    CHECK(is_bad_cast(give(client, u"Connect", narrow(VT_BLOB, "ws://127.0.0.1/"))));
    const Text said = give(client, u"Connect", of_type(VT_I4));
    CHECK_SAYS(said.find(u"URL") != Text::npos, utf8(said));
    // A text and a blob without a pointer are empty ones, with a length they are an error.
    CHECK(give(client, u"Send", of_type(VT_PWSTR)).empty());
    arrives(u"");
    CHECK(give(client, u"Send", of_type(VT_BLOB)).empty());
    arrives(Bytes{});
    for (const VarType type : {VT_PWSTR, VT_PSTR, VT_BLOB}) {
        Variant nothing = of_type(type);
        if (type == VT_PWSTR) nothing.wide.size = 5;
        else nothing.narrow.size = 5;
        CHECK(!give(client, u"Send", nothing).empty());
    }
}

// `Неопределено` for an optional parameter is its default.
SCENARIO(defaults) {
    const Library library(setting.library);
    Pair pair(library);
    const Value nothing;
    CHECK(pair.client.call(u"Ping", {nothing}).number >= 0);
    CHECK(pair.server.call(u"Ping", {1, nothing}).number >= 0);
    CHECK(pair.server.call(u"Disconnect", {1, nothing, nothing}));
    CHECK(eventually([&] { return pair.client.get(u"ReadyState") == 3; }));
    CHECK(pair.client.get(u"CloseCode") == 1000 && pair.client.get(u"CloseReason") == u"");
    CHECK(!pair.client.call(u"Disconnect", {nothing, nothing}));
    // The default of each one has the type of the parameter.
    Object& server = pair.server;
    const long disconnect = server.method(u"Disconnect");
    Variant value = of_type(VT_EMPTY);
    CHECK(server.component->GetParamDefValue(disconnect, 1, &value) && server.take(value) == 1000);
    CHECK(server.component->GetParamDefValue(disconnect, 2, &value) && server.take(value) == u"");
}

SCENARIO(large) {
    const Library library(setting.library);
    Pair pair(library);
    const std::size_t units = (setting.slow ? 1 : 16) << 20;
    Value data;
    // One byte, two, three and four of UTF-8, none of them at an even place.
    const auto text = [&](const Text& pattern) {
        Text whole = u"-";
        while (whole.size() + pattern.size() <= units) whole += pattern;
        return whole;
    };
    Value id;
    for (const Text& pattern : {Text(u"a"), Text(u"я"), Text(u"€"), Text(u"😀"), Text(u"aя€😀")}) {
        const Value sent = text(pattern);
        pair.client.call(u"Send", {sent});
        CHECK(pair.server.call(u"Receive", {60000, id, data}));
        CHECK(data == sent);
    }
    const Value bytes = Bytes(units, 0xFE);
    pair.client.call(u"Send", {bytes});
    CHECK(pair.server.call(u"Receive", {60000, id, data}));
    CHECK(data == bytes);
}
