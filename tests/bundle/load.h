/* Loading a library, on every platform. */
#ifndef LOAD_H
#define LOAD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                          \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

/* Assigns a function by its name, whatever its type is. */
#define FIND(library, place, name)                                                                                   \
    do {                                                                                                             \
        void *found_ = find(library, name);                                                                          \
        memcpy(&(place), &found_, sizeof found_);                                                                    \
    } while (0)

#ifdef _WIN32
#include <windows.h>

static void *load(const char *path) {
    HMODULE library = LoadLibraryA(path);
    if (library == NULL) fprintf(stderr, "%s: error %lu\n", path, GetLastError());
    CHECK(library != NULL);
    return (void *)library;
}

static void *find(void *library, const char *name) {
    FARPROC found = GetProcAddress((HMODULE)library, name);
    void *pointer;
    if (found == NULL) fprintf(stderr, "%s is not there\n", name);
    CHECK(found != NULL);
    memcpy(&pointer, &found, sizeof pointer);
    return pointer;
}

/* Nothing of it may stay. */
static void unload(void *library, const char *path) {
    CHECK(FreeLibrary((HMODULE)library));
    CHECK(GetModuleHandleA(path) == NULL);
}
#else
#include <dlfcn.h>

static void *load(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    return library;
}

static void *find(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) fprintf(stderr, "%s\n", dlerror());
    CHECK(found != NULL);
    return found;
}

static void unload(void *library, const char *path) {
    char line[4096];
    const char *name = strrchr(path, '/');
    FILE *maps;
    CHECK(dlclose(library) == 0);
    maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) CHECK(strstr(line, name != NULL ? name : path) == NULL);
    fclose(maps);
}
#endif

#endif
