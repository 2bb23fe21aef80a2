// What Windows knows of this process.
#include "../../host1c/host.hpp"
#include "bridge.h"

#include <windows.h>
// Behind windows.h.
#include <psapi.h>
#include <tlhelp32.h>

long resident_kib() {
    PROCESS_MEMORY_COUNTERS counters;
    CHECK(K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters));
    return static_cast<long>(counters.WorkingSetSize / 1024);
}

int thread_count() {
    const HANDLE threads = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    CHECK(threads != INVALID_HANDLE_VALUE);
    int count = 0;
    THREADENTRY32 entry;
    entry.dwSize = sizeof entry;
    for (BOOL more = Thread32First(threads, &entry); more; more = Thread32Next(threads, &entry))
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(threads);
    return count;
}

bool is_mapped(const std::string& library) { return GetModuleHandleA(library.c_str()) != nullptr; }

long this_thread() { return static_cast<long>(GetCurrentThreadId()); }

// There is no simple way to see whether a thread waits; one that is inside a call is where it wants to be after a while.
bool rests(long thread) {
    const auto inside = [&] { return is_inside(static_cast<unsigned long>(thread)); };
    if (!inside()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return inside();
}
