// An echo server on Boost.Beast, one thread, after its asynchronous example.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <iostream>
#include <memory>

namespace beast = boost::beast;
using boost::asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
public:
    explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

    void run() {
        // Otherwise a message larger than its write buffer is sent in fragments, which is not what came.
        socket_.auto_fragment(false);
        socket_.read_message_max(0);
        socket_.async_accept([self = shared_from_this()](beast::error_code error) {
            if (!error) self->read();
        });
    }

private:
    void read() {
        socket_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (!error) self->write();
        });
    }

    void write() {
        socket_.text(socket_.got_text());
        socket_.async_write(buffer_.data(), [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (error) return;
            self->buffer_.consume(self->buffer_.size());
            self->read();
        });
    }

    beast::websocket::stream<beast::tcp_stream> socket_;
    beast::flat_buffer buffer_;
};

static void accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([&](beast::error_code error, tcp::socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true));
            std::make_shared<Session>(std::move(socket))->run();
        }
        accept(acceptor);
    });
}

int main() {
    boost::asio::io_context context(1);
    tcp::acceptor acceptor(context, {boost::asio::ip::make_address("127.0.0.1"), 0});
    acceptor.listen(4096);
    std::cout << acceptor.local_endpoint().port() << std::endl;
    accept(acceptor);
    context.run();
}
