/* Kills a process in the midst of starting a program: `stepper PID N held|free`.
 *
 * Traces PID until it starts a child by vfork, lets that child make N system calls from its setsid on, and kills PID before the next. `free`: the
 * child goes on at once. `held`: it stands still until a line comes on standard input, so that the successor of PID meets it half done. Prints
 * `ready`, then `killed before SYSCALL` or, when the child became its program before N calls, `started`. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static void fail(const char *what) {
    printf("failed: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void say(const char *what, long number) {
    number < 0 ? printf("%s\n", what) : printf("%s %ld\n", what, number);
    fflush(stdout);
}

int main(int count, char **words) {
    if (count != 4) return 2;
    pid_t parent = (pid_t)atoi(words[1]), child = 0;
    long limit = atol(words[2]), done = -1;
    int held = !strcmp(words[3], "held"), status;
    long options = PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;
    if (ptrace(PTRACE_SEIZE, parent, 0, options) < 0) fail("seize");
    say("ready", -1);
    for (;;) {
        pid_t who = waitpid(-1, &status, __WALL);
        if (who < 0) fail("wait");
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (who == parent) return 3;
            continue;
        }
        int event = status >> 16, number = WSTOPSIG(status);
        if (who == parent) {
            if (event == PTRACE_EVENT_VFORK) {
                unsigned long made = 0;
                ptrace(PTRACE_GETEVENTMSG, parent, 0, &made);
                child = (pid_t)made;
            }
            // Stops of the group and events are not signals to deliver.
            ptrace(PTRACE_CONT, who, 0, event ? 0 : number);
            continue;
        }
        if (event == PTRACE_EVENT_EXEC) {
            ptrace(PTRACE_DETACH, who, 0, 0);
            kill(parent, SIGSTOP);
            waitpid(parent, &status, __WALL);
            ptrace(PTRACE_DETACH, parent, 0, 0);
            kill(parent, SIGCONT);
            say("started", -1);
            return 0;
        }
        if (number == (SIGTRAP | 0x80)) {
            struct ptrace_syscall_info call;
            if (ptrace(PTRACE_GET_SYSCALL_INFO, who, sizeof call, &call) < 0) fail("look");
            if (call.op == PTRACE_SYSCALL_INFO_ENTRY) {
                if (done < 0 && call.entry.nr == SYS_setsid) done = 0;
                else if (done >= 0) done++;
                if (done == limit) {
                    kill(parent, SIGKILL);
                    while (waitpid(parent, &status, __WALL) == parent && !WIFSIGNALED(status)) {}
                    say("killed before", (long)call.entry.nr);
                    if (held) getchar();
                    ptrace(PTRACE_DETACH, who, 0, 0);
                    return 0;
                }
            }
        }
        ptrace(PTRACE_SYSCALL, who, 0, event || number == SIGSTOP || number == (SIGTRAP | 0x80) ? 0 : number);
    }
}
