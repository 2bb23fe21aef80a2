// Loading a library, for the host in tests/host1c on Windows. What takes or gives objects goes through the bridge.
#pragma once

#define RTLD_NOW 0
#define RTLD_LOCAL 0

void* dlopen(const char* path, int flags);
void* dlsym(void* library, const char* name);
int dlclose(void* library);
const char* dlerror();
