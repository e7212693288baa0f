/* What the laboratory puts beneath the release bootstrap, with LD_PRELOAD: a clock that does not depend on how busy the
 * machine is, and a copy of the log that does not wait for the emulator to read a pipe.
 *
 * While the function waits for an answer of AWS, its timers stand still: no limit of the SDK passes because an emulated
 * service was slow. Else they run on the system's time.
 *
 * With LAB_CLOCK the function has no other time than that of a page in this file, which is still while it works: where it
 * waits for nothing but time, the time has come at once, and who else has the page can move it. So that it never takes a
 * pause within an answer for a wait for time, a connection then carries one request, and is waited for until it is closed.
 *
 * Must never be part of what is deployed to AWS, and never act in a process that is no function: the emulator, from which
 * the functions have their environment, passes through. For Linux and one thread, as the function has. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })
#define CONNECTIONS 1024
/* How long a wait for an answer lasts before it looks whether somebody has moved the clock, in milliseconds. */
#define LOOK 10

static const char CLOSE[] = "Connection: close\r\n";
static struct { char used, asked, fresh; } connections[CONNECTIONS];
/* Nanoseconds since the epoch, and connections that are waited for. */
static volatile struct { int64_t now, asked; } here, *page = &here;
/* Without a page of others: the time for which the timers stood still. */
static int64_t stood;
static int function, paged, copy = -1;
static in_port_t runtime;

__attribute__((constructor)) static void begin(void) {
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API"), *clock = getenv("LAB_CLOCK"), *log = getenv("LAB_LOG");
    if (!api) return;
    function = 1;
    runtime = htons((uint16_t)atoi(strchr(api, ':') + 1));
    if (log) copy = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (!clock) return;
    paged = 1;
    page = mmap(0, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, open(clock, O_RDWR | O_CLOEXEC), 0);
    if (page == MAP_FAILED) abort();
}

static int64_t system_time(clockid_t which) {
    struct timespec time;
    REAL(clock_gettime)(which, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int clock_gettime(clockid_t which, struct timespec *answer) {
    int64_t now = paged ? page->now : system_time(which) - (which == CLOCK_MONOTONIC ? stood : 0);
    *answer = (struct timespec){now / 1000000000, now % 1000000000};
    return 0;
}

static int known(int fd) { return fd >= 0 && fd < CONNECTIONS && connections[fd].used; }

static void waits(int fd, char asked) {
    page->asked += asked - connections[fd].asked;
    connections[fd].asked = asked;
}

int connect(int fd, const struct sockaddr *to, socklen_t size) {
    int tcp = to->sa_family == AF_INET && fd < CONNECTIONS;
    /* The emulator's Runtime API is waited for between two events; the timers of this time are nobody's. */
    if (function && tcp && (paged || ((const struct sockaddr_in *)to)->sin_port != runtime)) {
        connections[fd].used = 1;
        connections[fd].fresh = (char)paged;
        waits(fd, 1);
    }
    return REAL(connect)(fd, to, size);
}

/* Asked when a connection stands. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
    if (known(fd) && !paged) waits(fd, 0);
    return REAL(getsockopt)(fd, level, name, value, size);
}

/* The first write of a connection begins with the request line; a header is put after it. */
static ssize_t first(int fd, const struct iovec *parts, int count) {
    char *begin = parts->iov_base, *end = memmem(begin, parts->iov_len, "\r\n", 2);
    if (!end) abort();
    size_t line = (size_t)(end + 2 - begin), header = sizeof CLOSE - 1;
    struct iovec all[count + 2];
    all[0] = (struct iovec){begin, line};
    all[1] = (struct iovec){(char *)CLOSE, header};
    all[2] = (struct iovec){begin + line, parts->iov_len - line};
    memcpy(all + 3, parts + 1, (size_t)(count - 1) * sizeof *parts);
    ssize_t written = REAL(writev)(fd, all, count + 2);
    if (written < 0) return written;
    if ((size_t)written < line + header) abort();
    connections[fd].fresh = 0;
    return written - (ssize_t)header;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (known(fd)) waits(fd, 1);
    return known(fd) && connections[fd].fresh ? first(fd, parts, count) : REAL(writev)(fd, parts, count);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    if (known(fd)) return writev(fd, &(struct iovec){(void *)data, size}, 1);
    return REAL(send)(fd, data, size, flags);
}

ssize_t recv(int fd, void *data, size_t size, int flags) {
    ssize_t read = REAL(recv)(fd, data, size, flags);
    if (read >= 0 && known(fd) && !paged) waits(fd, 0);
    return read;
}

int close(int fd) {
    if (known(fd)) {
        waits(fd, 0);
        connections[fd].used = 0;
    }
    return REAL(close)(fd);
}

ssize_t write(int fd, const void *data, size_t size) {
    if (fd == STDOUT_FILENO && copy >= 0 && REAL(write)(copy, data, size) != (ssize_t)size) abort();
    return REAL(write)(fd, data, size);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    int asked = page->asked > 0;
    if (timeout == 0 || !(asked || paged)) return REAL(epoll_wait)(epoll, events, most, timeout);
    int64_t began = system_time(CLOCK_MONOTONIC), end = page->now + timeout * INT64_C(1000000);
    int wait = !paged ? -1 : asked || timeout < 0 ? LOOK : 0, ready = 0;
    while (ready == 0 && !(paged && timeout > 0 && page->now >= end)) {
        ready = REAL(epoll_wait)(epoll, events, most, wait);
        if (ready == 0 && paged && !asked && timeout > 0) page->now = end;
    }
    stood += system_time(CLOCK_MONOTONIC) - began;
    return ready;
}
