/* A job that speaks the protocol: says hello, and then is silent. The first record on standard output is
   written when it has been welcomed, the second when it is asked for a checkpoint. Without a socket, and
   as `speaker silent`, the second is written at SIGTERM: what supervisors without a protocol have to say. */

#include "stamp.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void tell(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const struct stamp stamp = {nanoseconds(now), (uint64_t)getpid()};
    if (write(1, &stamp, sizeof stamp) != sizeof stamp) _exit(1);
}

static int dial(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(socket_, (struct sockaddr *)&address, sizeof address) != 0) {
        perror(path);
        _exit(1);
    }
    return socket_;
}

/* Reads until a line of that type has begun to arrive; the messages here are short. */
static void await(int socket_, const char *type) {
    char text[4096];
    size_t length = 0;
    for (;;) {
        ssize_t count = read(socket_, text + length, sizeof text - 1 - length);
        if (count <= 0) _exit(1);
        length += (size_t)count;
        text[length] = 0;
        if (strstr(text, type) != NULL) return;
        if (text[length - 1] == '\n') length = 0;
    }
}

int main(int count, char **words) {
    const char *path = getenv("SUPERVISE_SOCKET"), *token = getenv("SUPERVISE_TOKEN");
    const int is_silent = count > 1 && strcmp(words[1], "silent") == 0;
    if (path == NULL || token == NULL || is_silent) {
        sigset_t terminate;
        int number;
        sigemptyset(&terminate);
        sigaddset(&terminate, SIGTERM);
        sigprocmask(SIG_BLOCK, &terminate, NULL);
        tell();
        sigwait(&terminate, &number);
    } else {
        int socket_ = dial(path);
        dprintf(socket_, "{\"type\":\"hello\",\"protocol\":1,\"token\":\"%s\",\"accepts\":[\"checkpoint\"]}\n",
                token);
        await(socket_, "\"welcome\"");
        tell();
        await(socket_, "\"checkpoint_request\"");
    }
    tell();
    return 0;
}
