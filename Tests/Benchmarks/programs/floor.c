/* floor COMMAND…: the least that a supervisor can do, as a measure for the others. It starts the command,
   starts it again when a signal has killed it, passes SIGTERM on, and ends when the command does.
   No session, no record, no guard, no socket. */

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(char **command, const sigset_t *before) {
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigprocmask(SIG_SETMASK, before, NULL);
        execv(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    return pid;
}

int main(int count, char **words) {
    sigset_t taken, before;
    int stopping = 0;
    if (count < 2) return 125;
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGINT);
    sigprocmask(SIG_BLOCK, &taken, &before);
    pid_t job = start(words + 1, &before);
    for (;;) {
        int status, number = sigwaitinfo(&taken, NULL);
        if (number == SIGTERM || number == SIGINT) {
            stopping = 1;
            kill(job, number);
        }
        if (number != SIGCHLD) continue;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid != job) continue;
            if (WIFEXITED(status)) return WEXITSTATUS(status);
            if (stopping) return 128 + WTERMSIG(status);
            job = start(words + 1, &before);
        }
    }
}
