// What Linux knows of this process.
#include "host.hpp"

#include <cstdlib>
#include <fstream>
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
