/*
 * websocket_addin.hpp: websocket_addin.h for C++17. Header only; link the same library.
 *
 * A client, a server and a message are objects that free themselves. What is no failure is a result, the same on client
 * and server: a full queue, a connection that has ended, time that ran out. Everything else that goes wrong is thrown as
 * websocket::error. What blocks, which thread may call what and what a property means is written in websocket_addin.h.
 *
 * Any client or server may be destroyed anywhere, inside any handler, its own included. Outside of handlers that waits
 * until the connections are closed (CloseTimeout at most) and the handler has ended. Inside a handler it does not wait:
 * the closing goes on in the background, and the destroyed object's handler, if it is running just now, keeps what it
 * captured until it has ended. What it captured by reference is yours to keep until then.
 */
#ifndef WEBSOCKET_ADDIN_HPP
#define WEBSOCKET_ADDIN_HPP

#include "websocket_addin.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace websocket {

using milliseconds = std::chrono::milliseconds;

/** How long a call may wait: a duration, of which one of 0 or less does not wait at all, or `forever`. */
class timeout {
public:
    /** Parts of a millisecond count as a whole one. */
    template <typename Rep, typename Period>
    constexpr timeout(std::chrono::duration<Rep, Period> time) noexcept
        : ms_(time <= time.zero()                                     ? std::int64_t{WSADDIN_NO_WAIT}
              : std::chrono::duration<double>(time).count() > 1e12 ? std::int64_t{WSADDIN_WAIT_FOREVER}
                                                                   : std::int64_t{std::chrono::ceil<milliseconds>(time).count()}) {}
    /** As the C interface has it. */
    static constexpr timeout from_c(std::int64_t ms) noexcept { return timeout(ms); }
    constexpr std::int64_t c() const noexcept { return ms_; }
    constexpr bool is_forever() const noexcept { return ms_ == WSADDIN_WAIT_FOREVER; }
    friend constexpr bool operator==(timeout one, timeout other) noexcept { return one.ms_ == other.ms_; }
    friend constexpr bool operator!=(timeout one, timeout other) noexcept { return one.ms_ != other.ms_; }

private:
    explicit constexpr timeout(std::int64_t ms) noexcept : ms_(ms < 0 ? std::int64_t{WSADDIN_NO_WAIT} : ms) {}

    std::int64_t ms_;
};

inline constexpr timeout forever = timeout::from_c(WSADDIN_WAIT_FOREVER);
inline constexpr timeout no_wait = timeout::from_c(WSADDIN_NO_WAIT);

/** A negative result and its text. */
class error : public std::runtime_error {
public:
    error(wsaddin_result result, const char *text) : std::runtime_error(text), result_(result) {}
    wsaddin_result result() const noexcept { return result_; }

private:
    wsaddin_result result_;
};

inline std::string version() { return wsaddin_version(); }

namespace detail {

/** Throws an error, passes outcomes on. */
inline wsaddin_result check(wsaddin_result result) {
    if (result < 0) throw error(result, wsaddin_error_description());
    return result;
}

/** The same, and passes on what is no failure although C has a negative number for it. */
inline wsaddin_result settle(wsaddin_result result) {
    switch (result) {
    case WSADDIN_QUEUE_FULL:
    case WSADDIN_NOT_CONNECTED:
    case WSADDIN_PING_TIMEOUT:
    case WSADDIN_REQUEST_TIMEOUT: return result;
    default: return check(result);
    }
}

/** Why a call did not do what it is there for, without having failed. */
class reason {
public:
    explicit reason(wsaddin_result result) noexcept : result_(result) {}

    bool timed_out() const noexcept {
        return result_ == WSADDIN_TIMEOUT || result_ == WSADDIN_PING_TIMEOUT || result_ == WSADDIN_REQUEST_TIMEOUT;
    }
    /** There is no connection (any more), or the server is not running. */
    bool ended() const noexcept { return result_ == WSADDIN_CLOSED || result_ == WSADDIN_NOT_CONNECTED; }
    /** The send queue has no room; for an answer that is waited for: reading is paused by a full receive queue. */
    bool full() const noexcept { return result_ == WSADDIN_QUEUE_FULL; }
    /** Nobody of that name. */
    bool not_found() const noexcept { return result_ == WSADDIN_NOT_FOUND; }
    wsaddin_result result() const noexcept { return result_; }

private:
    wsaddin_result result_;
};

/** Calls `read(buffer, capacity, needed)` until the text fits; it may grow between two calls. */
template <typename Read> wsaddin_result text(std::string &out, Read read) {
    out.assign(255, '\0');
    for (;;) {
        std::size_t needed = 0;
        // A std::string has room for the NUL behind its size.
        const wsaddin_result result = read(out.data(), out.size() + 1, &needed);
        if (result == WSADDIN_TOO_BIG && needed > out.size()) {
            out.assign(needed, '\0');
            continue;
        }
        out.resize(result == WSADDIN_OK ? needed : 0);
        return check(result);
    }
}

template <typename Handle> std::string text(Handle handle, wsaddin_result (*read)(Handle, char *, std::size_t, std::size_t *)) {
    std::string out;
    text(out, [&](char *buffer, std::size_t capacity, std::size_t *needed) { return read(handle, buffer, capacity, needed); });
    return out;
}

template <typename Handle> std::int64_t number(Handle handle, wsaddin_result (*read)(Handle, std::int64_t *)) {
    std::int64_t value = 0;
    check(read(handle, &value));
    return value;
}

template <typename Handle> timeout limit(Handle handle, wsaddin_result (*read)(Handle, std::int64_t *)) {
    return timeout::from_c(number(handle, read));
}

template <typename Handle> milliseconds time(Handle handle, wsaddin_result (*read)(Handle, std::int64_t *)) {
    return milliseconds(number(handle, read));
}

} // namespace detail

/** The log file of the process and how much it tells, WSADDIN_LOG_...; an empty path ends the log. */
inline void set_log(std::string_view path, wsaddin_log_level level = WSADDIN_LOG_INFO) {
    detail::check(wsaddin_set_log(path.data(), path.size(), level));
}

/** Of the texts of errors, for the whole process: WSADDIN_LANGUAGE_... */
inline void set_language(wsaddin_language language) { detail::check(wsaddin_set_language(language)); }

class message;

/** A message that somebody else owns: in a handler, good until the handler returns. */
class message_view {
public:
    explicit message_view(const wsaddin_message *raw) noexcept : raw_(raw) {}

    /** WSADDIN_EVENT_... */
    wsaddin_event event() const noexcept { return wsaddin_message_event(raw_); }
    bool is_text() const noexcept { return wsaddin_message_kind(raw_) == WSADDIN_KIND_TEXT; }
    std::uint64_t connection() const noexcept { return wsaddin_message_connection(raw_); }
    /** Text or bytes; good as long as the message. */
    std::string_view data() const noexcept {
        return {reinterpret_cast<const char *>(wsaddin_message_data(raw_)), wsaddin_message_size(raw_)};
    }
    message keep() const;

protected:
    const wsaddin_message *raw_;
};

/** A message of our own. */
class message : public message_view {
public:
    /** Takes over what the C interface handed out. */
    explicit message(wsaddin_message *raw) noexcept : message_view(raw), owned_(raw) {}

private:
    struct free {
        void operator()(wsaddin_message *raw) const noexcept { wsaddin_message_free(raw); }
    };
    std::unique_ptr<wsaddin_message, free> owned_;
};

inline message message_view::keep() const {
    wsaddin_message *kept = nullptr;
    detail::check(wsaddin_message_keep(raw_, &kept));
    return message(kept);
}

/** Received messages, or events, in order: a range of message_view, each good as long as the batch. */
class batch {
public:
    /** Takes over what the C interface handed out. */
    explicit batch(wsaddin_batch *raw) noexcept : owned_(raw) {}

    std::size_t size() const noexcept { return wsaddin_batch_count(owned_.get()); }
    message_view operator[](std::size_t index) const noexcept { return message_view(wsaddin_batch_at(owned_.get(), index)); }

    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = message_view;
        using difference_type = std::ptrdiff_t;
        using pointer = const message_view *;
        using reference = message_view;

        iterator(const wsaddin_batch *raw, std::size_t index) noexcept : raw_(raw), index_(index) {}
        message_view operator*() const noexcept { return message_view(wsaddin_batch_at(raw_, index_)); }
        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }
        iterator operator++(int) noexcept { return iterator(raw_, index_++); }
        friend bool operator==(iterator one, iterator other) noexcept { return one.index_ == other.index_; }
        friend bool operator!=(iterator one, iterator other) noexcept { return one.index_ != other.index_; }

    private:
        const wsaddin_batch *raw_;
        std::size_t index_;
    };
    iterator begin() const noexcept { return iterator(owned_.get(), 0); }
    iterator end() const noexcept { return iterator(owned_.get(), size()); }

private:
    struct free {
        void operator()(wsaddin_batch *raw) const noexcept { wsaddin_batch_free(raw); }
    };
    std::unique_ptr<wsaddin_batch, free> owned_;
};

/** A message of a batch that is to be sent; what it views must stay until then. */
using outgoing = wsaddin_outgoing;

/** A server's messages need their connection. */
inline outgoing outgoing_text(std::string_view text, std::uint64_t connection = 0) noexcept {
    return outgoing{connection, WSADDIN_KIND_TEXT, text.data(), text.size()};
}
inline outgoing outgoing_binary(std::string_view data, std::uint64_t connection = 0) noexcept {
    return outgoing{connection, WSADDIN_KIND_BINARY, data.data(), data.size()};
}

/** A value, or nothing and why. */
template <typename T> class outcome : public std::optional<T>, public detail::reason {
public:
    explicit outcome(wsaddin_result result) noexcept : detail::reason(result) {}
    explicit outcome(T value) noexcept : std::optional<T>(std::move(value)), detail::reason(WSADDIN_OK) {}
};

/** What receiving came back with. */
using received = outcome<message>;

/** What became of a message that was to be sent. True: it is queued, not delivered. */
class [[nodiscard]] sent : public detail::reason {
public:
    using detail::reason::reason;
    explicit operator bool() const noexcept { return result() == WSADDIN_OK; }
};

/** What became of messages that were to be sent together. True: all are queued. Else the first `queued()` are. */
class [[nodiscard]] sent_batch : public sent {
public:
    sent_batch(wsaddin_result result, std::size_t queued) noexcept : sent(result), queued_(queued) {}
    std::size_t queued() const noexcept { return queued_; }

private:
    std::size_t queued_;
};

namespace detail {

template <typename Handle, wsaddin_result (*Receive)(Handle, std::int64_t, wsaddin_batch **)>
outcome<batch> receive_batch(Handle handle, timeout limit) {
    wsaddin_batch *raw = nullptr;
    const wsaddin_result result = settle(Receive(handle, limit.c(), &raw));
    return raw ? outcome<batch>(batch(raw)) : outcome<batch>(result);
}

template <typename Handle, wsaddin_result (*Send)(Handle, const wsaddin_outgoing *, std::size_t, std::size_t *)>
sent_batch send_batch(Handle handle, const outgoing *messages, std::size_t count) {
    std::size_t queued = 0;
    const wsaddin_result result = settle(Send(handle, messages, count, &queued));
    return sent_batch(result, queued);
}

inline outcome<message> taken(wsaddin_result result, wsaddin_message *raw) {
    settle(result);
    return raw ? outcome<message>(message(raw)) : outcome<message>(result);
}

} // namespace detail

/** Takes events on a thread of the library; an exception that leaves it ends the program. */
using handler = std::function<void(const message_view &)>;

namespace detail {

/** A handler behind a C pointer; the library ends it when nobody runs it any more. */
struct owned_handler {
    static void call(const wsaddin_message *raw, void *self) noexcept {
        static_cast<owned_handler *>(self)->on_event(message_view(raw));
    }
    static void destroy(void *self) noexcept { delete static_cast<owned_handler *>(self); }
    handler on_event;
};

/** What a client and a server have in common: a handle that is freed, and a handler. */
template <typename Handle, wsaddin_result (*New)(Handle *), wsaddin_result (*Free)(Handle), wsaddin_result (*Release)(Handle),
          wsaddin_result (*SetHandler)(Handle, wsaddin_handler, void *),
          wsaddin_result (*SetOwnedHandler)(Handle, wsaddin_handler, void *, wsaddin_destroy)>
class object {
public:
    object() { check(New(&handle_)); }
    ~object() { reset(); }
    object(object &&other) noexcept : handle_(std::exchange(other.handle_, Handle{0})) {}
    object &operator=(object &&other) noexcept {
        if (this != &other) {
            reset();
            handle_ = std::exchange(other.handle_, Handle{0});
        }
        return *this;
    }
    object(const object &) = delete;
    object &operator=(const object &) = delete;

    Handle handle() const noexcept { return handle_; }
    /** For wait_any. */
    std::uint64_t id() const noexcept { return handle_.id; }

    /** Events go to `on_event`; an empty function takes it away. When this returns the old one has ended, but inside
     *  itself: then it ends with this run. */
    void set_handler(handler on_event) {
        if (!on_event) {
            check(SetHandler(handle_, nullptr, nullptr));
            return;
        }
        check(SetOwnedHandler(handle_, &owned_handler::call, new owned_handler{std::move(on_event)}, &owned_handler::destroy));
    }

private:
    void reset() noexcept {
        const Handle handle = std::exchange(handle_, Handle{0});
        if (handle.id != 0 && Free(handle) == WSADDIN_WOULD_DEADLOCK) Release(handle);
    }

    Handle handle_{0};
};

} // namespace detail

class client : public detail::object<wsaddin_client, wsaddin_client_new, wsaddin_client_free, wsaddin_client_release, wsaddin_client_set_handler, wsaddin_client_set_owned_handler> {
public:
    void connect(std::string_view url) { detail::check(wsaddin_client_connect(handle(), url.data(), url.size())); }
    void begin_connect(std::string_view url) {
        detail::check(wsaddin_client_begin_connect(handle(), url.data(), url.size()));
    }
    /** True when everything was written and the other side confirmed the close. */
    bool disconnect(std::uint16_t code = 1000, std::string_view reason = {}) {
        std::int32_t clean = 0;
        detail::check(wsaddin_client_disconnect(handle(), code, reason.data(), reason.size(), &clean));
        return clean != 0;
    }
    void abort() { detail::check(wsaddin_client_abort(handle())); }
    sent send_text(std::string_view text) { return sent(detail::settle(wsaddin_client_send_text(handle(), text.data(), text.size()))); }
    sent send_binary(std::string_view data) { return sent(detail::settle(wsaddin_client_send_binary(handle(), data.data(), data.size()))); }
    received receive(timeout limit = forever) {
        wsaddin_message *raw = nullptr;
        const wsaddin_result result = wsaddin_client_receive(handle(), limit.c(), &raw);
        return detail::taken(result, raw);
    }
    received receive_event(timeout limit = forever) {
        wsaddin_message *raw = nullptr;
        const wsaddin_result result = wsaddin_client_receive_event(handle(), limit.c(), &raw);
        return detail::taken(result, raw);
    }
    /** All messages that are queued, one at least; other events are discarded. */
    outcome<batch> receive_batch(timeout limit = forever) {
        return detail::receive_batch<wsaddin_client, wsaddin_client_receive_batch>(handle(), limit);
    }
    /** All events that are queued, one at least. */
    outcome<batch> receive_event_batch(timeout limit = forever) {
        return detail::receive_batch<wsaddin_client, wsaddin_client_receive_event_batch>(handle(), limit);
    }
    /** In order, up to the first that fails; one that cannot be sent at all is thrown, as with a single message. */
    sent_batch send_batch(const outgoing *messages, std::size_t count) {
        return detail::send_batch<wsaddin_client, wsaddin_client_send_batch>(handle(), messages, count);
    }
    sent_batch send_batch(const std::vector<outgoing> &messages) { return send_batch(messages.data(), messages.size()); }
    /** The round trip. */
    outcome<milliseconds> ping(timeout limit = milliseconds(5000)) {
        std::int64_t round_trip_ms = 0;
        const wsaddin_result result = detail::settle(wsaddin_client_ping(handle(), limit.c(), &round_trip_ms));
        return result == WSADDIN_OK ? outcome<milliseconds>(milliseconds(round_trip_ms)) : outcome<milliseconds>(result);
    }
    /** The answer. */
    outcome<message> request(std::string_view text, timeout limit = milliseconds(30000), std::string_view id_field = "id",
                    std::string_view reply_field = {}) {
        wsaddin_message *raw = nullptr;
        const wsaddin_result result = wsaddin_client_request(handle(), text.data(), text.size(), limit.c(), id_field.data(),
                                             id_field.size(), reply_field.data(), reply_field.size(), &raw);
        return detail::taken(result, raw);
    }
    void set_header(std::string_view name, std::string_view value) {
        detail::check(wsaddin_client_set_header(handle(), name.data(), name.size(), value.data(), value.size()));
    }
    void set_client_certificate(std::string_view certificate, std::string_view key = {}, std::string_view password = {}) {
        detail::check(wsaddin_client_set_client_certificate(handle(), certificate.data(), certificate.size(), key.data(),
                                                            key.size(), password.data(), password.size()));
    }

    std::int64_t get_status() const { return detail::number(handle(), wsaddin_client_get_status); }
    std::int64_t get_ready_state() const { return detail::number(handle(), wsaddin_client_get_ready_state); }
    std::string get_server() const { return detail::text(handle(), wsaddin_client_get_server); }
    std::int64_t get_buffered_amount() const { return detail::number(handle(), wsaddin_client_get_buffered_amount); }
    std::int64_t get_queued() const { return detail::number(handle(), wsaddin_client_get_queued); }
    std::string get_protocol() const { return detail::text(handle(), wsaddin_client_get_protocol); }
    std::string get_extensions() const { return detail::text(handle(), wsaddin_client_get_extensions); }
    /** What the server answered to the last handshake: its status, its headers as JSON, the beginning of a refusal's body. */
    std::int64_t get_handshake_status() const { return detail::number(handle(), wsaddin_client_get_handshake_status); }
    std::string get_response_headers() const { return detail::text(handle(), wsaddin_client_get_response_headers); }
    std::string get_response_body() const { return detail::text(handle(), wsaddin_client_get_response_body); }
    /** The result of the last call, or later attempt to reconnect, that failed. */
    wsaddin_result get_error_code() const { return static_cast<wsaddin_result>(detail::number(handle(), wsaddin_client_get_error_code)); }
    std::int64_t get_close_code() const { return detail::number(handle(), wsaddin_client_get_close_code); }
    std::string get_close_reason() const { return detail::text(handle(), wsaddin_client_get_close_reason); }
    std::string statistics() const { return detail::text(handle(), wsaddin_client_statistics); }
    void set_connect_timeout(timeout value) { detail::check(wsaddin_client_set_connect_timeout(handle(), value.c())); }
    timeout get_connect_timeout() const { return detail::limit(handle(), wsaddin_client_get_connect_timeout); }
    void set_close_timeout(milliseconds value) { detail::check(wsaddin_client_set_close_timeout(handle(), value.count())); }
    milliseconds get_close_timeout() const { return detail::time(handle(), wsaddin_client_get_close_timeout); }
    void set_send_timeout(timeout value) { detail::check(wsaddin_client_set_send_timeout(handle(), value.c())); }
    timeout get_send_timeout() const { return detail::limit(handle(), wsaddin_client_get_send_timeout); }
    void set_ping_interval(milliseconds value) { detail::check(wsaddin_client_set_ping_interval(handle(), value.count())); }
    milliseconds get_ping_interval() const { return detail::time(handle(), wsaddin_client_get_ping_interval); }
    void set_pong_timeout(milliseconds value) { detail::check(wsaddin_client_set_pong_timeout(handle(), value.count())); }
    milliseconds get_pong_timeout() const { return detail::time(handle(), wsaddin_client_get_pong_timeout); }
    void set_max_message_size(std::int64_t value) { detail::check(wsaddin_client_set_max_message_size(handle(), value)); }
    std::int64_t get_max_message_size() const { return detail::number(handle(), wsaddin_client_get_max_message_size); }
    void set_receive_queue_messages(std::int64_t value) { detail::check(wsaddin_client_set_receive_queue_messages(handle(), value)); }
    std::int64_t get_receive_queue_messages() const { return detail::number(handle(), wsaddin_client_get_receive_queue_messages); }
    void set_receive_queue_bytes(std::int64_t value) { detail::check(wsaddin_client_set_receive_queue_bytes(handle(), value)); }
    std::int64_t get_receive_queue_bytes() const { return detail::number(handle(), wsaddin_client_get_receive_queue_bytes); }
    void set_send_queue_bytes(std::int64_t value) { detail::check(wsaddin_client_set_send_queue_bytes(handle(), value)); }
    std::int64_t get_send_queue_bytes() const { return detail::number(handle(), wsaddin_client_get_send_queue_bytes); }
    void set_compression(bool value) { detail::check(wsaddin_client_set_compression(handle(), value)); }
    bool get_compression() const { return detail::number(handle(), wsaddin_client_get_compression) != 0; }
    void set_compression_context(bool value) { detail::check(wsaddin_client_set_compression_context(handle(), value)); }
    bool get_compression_context() const { return detail::number(handle(), wsaddin_client_get_compression_context) != 0; }
    void set_compression_window_bits(std::int64_t value) { detail::check(wsaddin_client_set_compression_window_bits(handle(), value)); }
    std::int64_t get_compression_window_bits() const { return detail::number(handle(), wsaddin_client_get_compression_window_bits); }
    void set_reconnect_interval(milliseconds value) { detail::check(wsaddin_client_set_reconnect_interval(handle(), value.count())); }
    milliseconds get_reconnect_interval() const { return detail::time(handle(), wsaddin_client_get_reconnect_interval); }
    void set_reconnect_max_interval(milliseconds value) { detail::check(wsaddin_client_set_reconnect_max_interval(handle(), value.count())); }
    milliseconds get_reconnect_max_interval() const { return detail::time(handle(), wsaddin_client_get_reconnect_max_interval); }
    void set_max_reconnect_attempts(std::int64_t value) { detail::check(wsaddin_client_set_max_reconnect_attempts(handle(), value)); }
    std::int64_t get_max_reconnect_attempts() const { return detail::number(handle(), wsaddin_client_get_max_reconnect_attempts); }
    void set_max_redirects(std::int64_t value) { detail::check(wsaddin_client_set_max_redirects(handle(), value)); }
    std::int64_t get_max_redirects() const { return detail::number(handle(), wsaddin_client_get_max_redirects); }
    void set_hello_message(std::string_view value) { detail::check(wsaddin_client_set_hello_message(handle(), value.data(), value.size())); }
    std::string get_hello_message() const { return detail::text(handle(), wsaddin_client_get_hello_message); }
    void set_protocols(std::string_view value) { detail::check(wsaddin_client_set_protocols(handle(), value.data(), value.size())); }
    std::string get_protocols() const { return detail::text(handle(), wsaddin_client_get_protocols); }
    void set_ca_file(std::string_view value) { detail::check(wsaddin_client_set_ca_file(handle(), value.data(), value.size())); }
    std::string get_ca_file() const { return detail::text(handle(), wsaddin_client_get_ca_file); }
    void set_verify_certificate(bool value) { detail::check(wsaddin_client_set_verify_certificate(handle(), value)); }
    bool get_verify_certificate() const { return detail::number(handle(), wsaddin_client_get_verify_certificate) != 0; }
    void set_pinned_certificates(std::string_view value) { detail::check(wsaddin_client_set_pinned_certificates(handle(), value.data(), value.size())); }
    std::string get_pinned_certificates() const { return detail::text(handle(), wsaddin_client_get_pinned_certificates); }
    void set_proxy(std::string_view value) { detail::check(wsaddin_client_set_proxy(handle(), value.data(), value.size())); }
    std::string get_proxy() const { return detail::text(handle(), wsaddin_client_get_proxy); }
};

class server : public detail::object<wsaddin_server, wsaddin_server_new, wsaddin_server_free, wsaddin_server_release, wsaddin_server_set_handler, wsaddin_server_set_owned_handler> {
public:
    void run(std::string_view interface_name, std::int64_t port) {
        detail::check(wsaddin_server_run(handle(), interface_name.data(), interface_name.size(), port));
    }
    void run_tls(std::string_view interface_name, std::int64_t port, std::string_view certificate,
                 std::string_view key = {}, std::string_view password = {}) {
        detail::check(wsaddin_server_run_tls(handle(), interface_name.data(), interface_name.size(), port,
                                             certificate.data(), certificate.size(), key.data(), key.size(),
                                             password.data(), password.size()));
    }
    void reload_certificate(std::string_view certificate = {}, std::string_view key = {}, std::string_view password = {}) {
        detail::check(wsaddin_server_reload_certificate(handle(), certificate.data(), certificate.size(), key.data(),
                                                        key.size(), password.data(), password.size()));
    }
    void stop() { detail::check(wsaddin_server_stop(handle())); }
    /** Lets a pending connection in; false: it has gone. */
    bool accept(std::uint64_t connection) { return detail::check(wsaddin_server_accept(handle(), connection)) == WSADDIN_OK; }
    /** Refuses a pending connection; false: it has gone. */
    bool reject(std::uint64_t connection, std::int64_t http_status = 403, std::string_view reason = {}) {
        return detail::check(wsaddin_server_reject(handle(), connection, http_status, reason.data(), reason.size())) == WSADDIN_OK;
    }
    sent send_text(std::uint64_t connection, std::string_view text) {
        return sent(detail::settle(wsaddin_server_send_text(handle(), connection, text.data(), text.size())));
    }
    sent send_binary(std::uint64_t connection, std::string_view data) {
        return sent(detail::settle(wsaddin_server_send_binary(handle(), connection, data.data(), data.size())));
    }
    sent send_to_name_text(std::string_view name, std::string_view text) {
        return sent(detail::settle(wsaddin_server_send_to_name_text(handle(), name.data(), name.size(), text.data(), text.size())));
    }
    sent send_to_name_binary(std::string_view name, std::string_view data) {
        return sent(detail::settle(wsaddin_server_send_to_name_binary(handle(), name.data(), name.size(), data.data(), data.size())));
    }
    /** To all, or to a group; how many it was queued for. */
    std::int64_t broadcast_text(std::string_view text, std::string_view group = {}) {
        std::int64_t count = 0;
        detail::check(group.empty() ? wsaddin_server_broadcast_text(handle(), text.data(), text.size(), &count)
                                    : wsaddin_server_broadcast_group_text(handle(), group.data(), group.size(), text.data(), text.size(), &count));
        return count;
    }
    /** To all, or to a group; how many it was queued for. */
    std::int64_t broadcast_binary(std::string_view data, std::string_view group = {}) {
        std::int64_t count = 0;
        detail::check(group.empty() ? wsaddin_server_broadcast_binary(handle(), data.data(), data.size(), &count)
                                    : wsaddin_server_broadcast_group_binary(handle(), group.data(), group.size(), data.data(), data.size(), &count));
        return count;
    }
    /** To all, or to a group, but not to one connection; with WSADDIN_SKIP_FULL who has no room goes without. */
    std::int64_t broadcast(wsaddin_kind kind, std::string_view data, std::string_view group = {}, std::uint64_t except = 0, wsaddin_flags flags = 0) {
        std::int64_t count = 0;
        detail::check(wsaddin_server_broadcast(handle(), kind, data.data(), data.size(), group.data(), group.size(), except, flags, &count));
        return count;
    }
    /** JSON; nothing when nobody has that name. */
    std::optional<std::string> name_info(std::string_view name) const {
        std::string json;
        const wsaddin_result result = detail::text(json, [&](char *buffer, std::size_t capacity, std::size_t *needed) {
            return wsaddin_server_name_info(handle(), name.data(), name.size(), buffer, capacity, needed);
        });
        return result == WSADDIN_OK ? std::optional(std::move(json)) : std::nullopt;
    }
    /** JSON array of all names that begin so. */
    std::string name_list(std::string_view prefix = {}) const {
        std::string json;
        detail::text(json, [&](char *buffer, std::size_t capacity, std::size_t *needed) {
            return wsaddin_server_name_list(handle(), prefix.data(), prefix.size(), buffer, capacity, needed);
        });
        return json;
    }
    /** False: nobody has that name. */
    bool disconnect_name(std::string_view name, std::uint16_t code = 1000, std::string_view reason = {}) {
        return detail::check(wsaddin_server_disconnect_name(handle(), name.data(), name.size(), code, reason.data(), reason.size())) == WSADDIN_OK;
    }
    /** False: that connection has gone. */
    bool set_name(std::uint64_t connection, std::string_view name) {
        return detail::check(wsaddin_server_set_name(handle(), connection, name.data(), name.size())) == WSADDIN_OK;
    }
    /** False: that connection has gone. */
    bool join_group(std::uint64_t connection, std::string_view group) {
        return detail::check(wsaddin_server_join_group(handle(), connection, group.data(), group.size())) == WSADDIN_OK;
    }
    /** False: that connection has gone. */
    bool leave_group(std::uint64_t connection, std::string_view group) {
        return detail::check(wsaddin_server_leave_group(handle(), connection, group.data(), group.size())) == WSADDIN_OK;
    }
    /** All messages that are queued, one at least; other events are discarded. */
    outcome<batch> receive_batch(timeout limit = forever) {
        return detail::receive_batch<wsaddin_server, wsaddin_server_receive_batch>(handle(), limit);
    }
    /** All events that are queued, one at least. */
    outcome<batch> receive_event_batch(timeout limit = forever) {
        return detail::receive_batch<wsaddin_server, wsaddin_server_receive_event_batch>(handle(), limit);
    }
    /** In order, up to the first that fails; one that cannot be sent at all is thrown, as with a single message. */
    sent_batch send_batch(const outgoing *messages, std::size_t count) {
        return detail::send_batch<wsaddin_server, wsaddin_server_send_batch>(handle(), messages, count);
    }
    sent_batch send_batch(const std::vector<outgoing> &messages) { return send_batch(messages.data(), messages.size()); }
    received receive(timeout limit = forever) {
        wsaddin_message *raw = nullptr;
        const wsaddin_result result = wsaddin_server_receive(handle(), limit.c(), &raw);
        return detail::taken(result, raw);
    }
    received receive_event(timeout limit = forever) {
        wsaddin_message *raw = nullptr;
        const wsaddin_result result = wsaddin_server_receive_event(handle(), limit.c(), &raw);
        return detail::taken(result, raw);
    }
    /** False: that connection has gone already. */
    bool disconnect(std::uint64_t connection, std::uint16_t code = 1000, std::string_view reason = {}) {
        return detail::check(wsaddin_server_disconnect(handle(), connection, code, reason.data(), reason.size())) == WSADDIN_OK;
    }
    /** The round trip. */
    outcome<milliseconds> ping(std::uint64_t connection, timeout limit = milliseconds(5000)) {
        std::int64_t round_trip_ms = 0;
        const wsaddin_result result = detail::settle(wsaddin_server_ping(handle(), connection, limit.c(), &round_trip_ms));
        return result == WSADDIN_OK ? outcome<milliseconds>(milliseconds(round_trip_ms)) : outcome<milliseconds>(result);
    }
    /** JSON; nothing when that connection has gone. */
    std::optional<std::string> connection_info(std::uint64_t connection) const {
        std::string json;
        const wsaddin_result result = detail::text(json, [&](char *buffer, std::size_t capacity, std::size_t *needed) {
            return wsaddin_server_connection_info(handle(), connection, buffer, capacity, needed);
        });
        return result == WSADDIN_OK ? std::optional(std::move(json)) : std::nullopt;
    }
    std::string connection_list() const { return detail::text(handle(), wsaddin_server_connection_list); }

    /** The result of the last call that failed. */
    wsaddin_result get_error_code() const { return static_cast<wsaddin_result>(detail::number(handle(), wsaddin_server_get_error_code)); }
    std::string get_server() const { return detail::text(handle(), wsaddin_server_get_server); }
    std::int64_t get_port() const { return detail::number(handle(), wsaddin_server_get_port); }
    std::string get_connections() const { return detail::text(handle(), wsaddin_server_get_connections); }
    std::int64_t get_connection_count() const { return detail::number(handle(), wsaddin_server_get_connection_count); }
    std::int64_t get_queued() const { return detail::number(handle(), wsaddin_server_get_queued); }
    std::string statistics() const { return detail::text(handle(), wsaddin_server_statistics); }
    void set_close_timeout(milliseconds value) { detail::check(wsaddin_server_set_close_timeout(handle(), value.count())); }
    milliseconds get_close_timeout() const { return detail::time(handle(), wsaddin_server_get_close_timeout); }
    void set_send_timeout(timeout value) { detail::check(wsaddin_server_set_send_timeout(handle(), value.c())); }
    timeout get_send_timeout() const { return detail::limit(handle(), wsaddin_server_get_send_timeout); }
    void set_ping_interval(milliseconds value) { detail::check(wsaddin_server_set_ping_interval(handle(), value.count())); }
    milliseconds get_ping_interval() const { return detail::time(handle(), wsaddin_server_get_ping_interval); }
    void set_pong_timeout(milliseconds value) { detail::check(wsaddin_server_set_pong_timeout(handle(), value.count())); }
    milliseconds get_pong_timeout() const { return detail::time(handle(), wsaddin_server_get_pong_timeout); }
    void set_max_message_size(std::int64_t value) { detail::check(wsaddin_server_set_max_message_size(handle(), value)); }
    std::int64_t get_max_message_size() const { return detail::number(handle(), wsaddin_server_get_max_message_size); }
    void set_receive_queue_messages(std::int64_t value) { detail::check(wsaddin_server_set_receive_queue_messages(handle(), value)); }
    std::int64_t get_receive_queue_messages() const { return detail::number(handle(), wsaddin_server_get_receive_queue_messages); }
    void set_receive_queue_bytes(std::int64_t value) { detail::check(wsaddin_server_set_receive_queue_bytes(handle(), value)); }
    std::int64_t get_receive_queue_bytes() const { return detail::number(handle(), wsaddin_server_get_receive_queue_bytes); }
    void set_send_queue_bytes(std::int64_t value) { detail::check(wsaddin_server_set_send_queue_bytes(handle(), value)); }
    std::int64_t get_send_queue_bytes() const { return detail::number(handle(), wsaddin_server_get_send_queue_bytes); }
    void set_compression(bool value) { detail::check(wsaddin_server_set_compression(handle(), value)); }
    bool get_compression() const { return detail::number(handle(), wsaddin_server_get_compression) != 0; }
    void set_compression_context(bool value) { detail::check(wsaddin_server_set_compression_context(handle(), value)); }
    bool get_compression_context() const { return detail::number(handle(), wsaddin_server_get_compression_context) != 0; }
    void set_compression_window_bits(std::int64_t value) { detail::check(wsaddin_server_set_compression_window_bits(handle(), value)); }
    std::int64_t get_compression_window_bits() const { return detail::number(handle(), wsaddin_server_get_compression_window_bits); }
    void set_max_connections(std::int64_t value) { detail::check(wsaddin_server_set_max_connections(handle(), value)); }
    std::int64_t get_max_connections() const { return detail::number(handle(), wsaddin_server_get_max_connections); }
    void set_max_connections_per_address(std::int64_t value) { detail::check(wsaddin_server_set_max_connections_per_address(handle(), value)); }
    std::int64_t get_max_connections_per_address() const { return detail::number(handle(), wsaddin_server_get_max_connections_per_address); }
    void set_allowed_origins(std::string_view value) { detail::check(wsaddin_server_set_allowed_origins(handle(), value.data(), value.size())); }
    std::string get_allowed_origins() const { return detail::text(handle(), wsaddin_server_get_allowed_origins); }
    void set_health_path(std::string_view value) { detail::check(wsaddin_server_set_health_path(handle(), value.data(), value.size())); }
    std::string get_health_path() const { return detail::text(handle(), wsaddin_server_get_health_path); }
    void set_pages_folder(std::string_view value) { detail::check(wsaddin_server_set_pages_folder(handle(), value.data(), value.size())); }
    std::string get_pages_folder() const { return detail::text(handle(), wsaddin_server_get_pages_folder); }
    void set_control_path(std::string_view value) { detail::check(wsaddin_server_set_control_path(handle(), value.data(), value.size())); }
    std::string get_control_path() const { return detail::text(handle(), wsaddin_server_get_control_path); }
    void set_control_token(std::string_view value) { detail::check(wsaddin_server_set_control_token(handle(), value.data(), value.size())); }
    std::string get_control_token() const { return detail::text(handle(), wsaddin_server_get_control_token); }
    std::string metrics() const { return detail::text(handle(), wsaddin_metrics); }
    void set_access_token(std::string_view value) { detail::check(wsaddin_server_set_access_token(handle(), value.data(), value.size())); }
    std::string get_access_token() const { return detail::text(handle(), wsaddin_server_get_access_token); }
    void set_name_parameter(std::string_view value) { detail::check(wsaddin_server_set_name_parameter(handle(), value.data(), value.size())); }
    std::string get_name_parameter() const { return detail::text(handle(), wsaddin_server_get_name_parameter); }
    void set_resume_timeout(milliseconds value) { detail::check(wsaddin_server_set_resume_timeout(handle(), value.count())); }
    milliseconds get_resume_timeout() const { return milliseconds(detail::number(handle(), wsaddin_server_get_resume_timeout)); }
    void set_manual_accept(bool value) { detail::check(wsaddin_server_set_manual_accept(handle(), value ? 1 : 0)); }
    bool get_manual_accept() const { return detail::number(handle(), wsaddin_server_get_manual_accept) != 0; }
    /** Ends a connection without a close handshake; false: it has gone already. */
    bool abort(std::uint64_t connection) { return detail::check(wsaddin_server_abort(handle(), connection)) == WSADDIN_OK; }
    /** Stops reading from a connection, or goes on; false: it has gone. */
    bool pause(std::uint64_t connection, bool on = true) { return detail::check(wsaddin_server_pause(handle(), connection, on)) == WSADDIN_OK; }
    void set_response_header(std::string_view name, std::string_view value) {
        detail::check(wsaddin_server_set_response_header(handle(), name.data(), name.size(), value.data(), value.size()));
    }
    void set_paths(std::string_view value) { detail::check(wsaddin_server_set_paths(handle(), value.data(), value.size())); }
    std::string get_paths() const { return detail::text(handle(), wsaddin_server_get_paths); }
    void set_idle_timeout(milliseconds value) { detail::check(wsaddin_server_set_idle_timeout(handle(), value.count())); }
    milliseconds get_idle_timeout() const { return detail::time(handle(), wsaddin_server_get_idle_timeout); }
    void set_messages_per_second(std::int64_t value) { detail::check(wsaddin_server_set_messages_per_second(handle(), value)); }
    std::int64_t get_messages_per_second() const { return detail::number(handle(), wsaddin_server_get_messages_per_second); }
    void set_connection_queue_messages(std::int64_t value) { detail::check(wsaddin_server_set_connection_queue_messages(handle(), value)); }
    std::int64_t get_connection_queue_messages() const { return detail::number(handle(), wsaddin_server_get_connection_queue_messages); }
    void set_connection_queue_bytes(std::int64_t value) { detail::check(wsaddin_server_set_connection_queue_bytes(handle(), value)); }
    std::int64_t get_connection_queue_bytes() const { return detail::number(handle(), wsaddin_server_get_connection_queue_bytes); }
    void set_trusted_proxies(std::string_view value) { detail::check(wsaddin_server_set_trusted_proxies(handle(), value.data(), value.size())); }
    std::string get_trusted_proxies() const { return detail::text(handle(), wsaddin_server_get_trusted_proxies); }
    void set_client_certificates(std::string_view value) { detail::check(wsaddin_server_set_client_certificates(handle(), value.data(), value.size())); }
    std::string get_client_certificates() const { return detail::text(handle(), wsaddin_server_get_client_certificates); }
    void set_client_ca_file(std::string_view value) { detail::check(wsaddin_server_set_client_ca_file(handle(), value.data(), value.size())); }
    std::string get_client_ca_file() const { return detail::text(handle(), wsaddin_server_get_client_ca_file); }
    void set_draining(bool value) { detail::check(wsaddin_server_set_draining(handle(), value ? 1 : 0)); }
    bool get_draining() const { return detail::number(handle(), wsaddin_server_get_draining) != 0; }
    void set_accept_timeout(milliseconds value) { detail::check(wsaddin_server_set_accept_timeout(handle(), value.count())); }
    milliseconds get_accept_timeout() const { return detail::time(handle(), wsaddin_server_get_accept_timeout); }
    void set_handshake_timeout(milliseconds value) { detail::check(wsaddin_server_set_handshake_timeout(handle(), value.count())); }
    milliseconds get_handshake_timeout() const { return detail::time(handle(), wsaddin_server_get_handshake_timeout); }
    void set_assembly_bytes(std::int64_t value) { detail::check(wsaddin_server_set_assembly_bytes(handle(), value)); }
    std::int64_t get_assembly_bytes() const { return detail::number(handle(), wsaddin_server_get_assembly_bytes); }
    void set_io_threads(std::int64_t value) { detail::check(wsaddin_server_set_io_threads(handle(), value)); }
    std::int64_t get_io_threads() const { return detail::number(handle(), wsaddin_server_get_io_threads); }
    void set_protocols(std::string_view value) { detail::check(wsaddin_server_set_protocols(handle(), value.data(), value.size())); }
    std::string get_protocols() const { return detail::text(handle(), wsaddin_server_get_protocols); }
};

/** Which of the objects has something to receive, by its id(); nothing when the time ran out. */
inline std::optional<std::size_t> wait_any(const std::uint64_t *ids, std::size_t count, timeout limit = forever) {
    std::size_t index = 0;
    const wsaddin_result result = detail::check(wsaddin_wait_any(ids, count, limit.c(), &index));
    return result == WSADDIN_OK ? std::optional(index) : std::nullopt;
}

} // namespace websocket

/** What the namespace was called at first. */
namespace wsaddin = websocket;

#endif
