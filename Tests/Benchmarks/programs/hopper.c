/* hopper COUNT: starts so many processes and ends. Each of them waits for 0.5 ms, starts its successor and ends, for
   ever. hopper COUNT reap: stays, and does nothing but wait(2) for what ends. */

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
    struct timespec wait_time = {0, 500000};
    if (count < 2) return 125;
    if (count > 2) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (int number = atoi(words[1]); number > 0; number--) {
        if (fork() != 0) continue;
        signal(SIGTERM, SIG_IGN);
        setsid();
        for (;;) {
            nanosleep(&wait_time, NULL);
            if (fork() > 0) _exit(0);
        }
    }
    while (count > 2) wait(NULL);
    return 0;
}
