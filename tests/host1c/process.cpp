// What Linux knows of this process.
#include "host.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static long status(const char* field) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.rfind(field, 0) == 0) return std::strtol(line.c_str() + std::string(field).size(), nullptr, 10);
    fail(__FILE__, __LINE__, std::string(field) + " in /proc/self/status");
}

long resident_kib() { return status("VmRSS:"); }

int thread_count() { return static_cast<int>(status("Threads:")); }

bool is_mapped(const std::string& library) {
    const std::string name = library.substr(library.rfind('/') + 1);
    std::ifstream file("/proc/self/maps");
    for (std::string line; std::getline(file, line);)
        if (line.find(name) != std::string::npos) return true;
    return false;
}

long this_thread() { return syscall(SYS_gettid); }

bool rests(long thread) {
    for (int look = 0; look < 10; ++look) {
        std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
        std::string stat;
        std::getline(file, stat);
        const auto end = stat.rfind(')');
        if (end == std::string::npos || stat[end + 2] != 'S') return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

SilentServer::SilentServer() : socket(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int descriptor = static_cast<int>(socket);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(descriptor, 16) == 0);
    CHECK(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
}

SilentServer::~SilentServer() { close(static_cast<int>(socket)); }
