#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "launching is written for x86-64 and aarch64"
#endif

/// As the kernel wants it (linux/sched.h cannot be included beside sched.h).
struct clone_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
static const uint64_t SHARE_MEMORY = 0x100, SHARE_DESCRIPTORS = 0x400, WANT_PIDFD = 0x1000, SUSPEND_PARENT = 0x4000, CLEAR_HANDLERS = 0x100000000, INTO_CGROUP = 0x200000000;
enum { UNSHARE_FLAG = 2, CLOSE_ON_EXEC_FLAG = 4, SIGNAL_LIMIT = 64 };

/// What stands at which place.
enum { INPUT_PLACE, OUTPUT_PLACE, ERROR_PLACE, RECORD_PLACE, CUSTODY_PLACE, HANDOVER_PLACE };

/// The kernel's own sigaction, 8 bytes of mask: glibc's refuses the signals it keeps for itself.
struct kernel_sigaction {
    uintptr_t handler;
    unsigned long flags;
    uintptr_t restorer;
    uint64_t mask;
};

/// Digits of `value`, right-aligned in `width` columns filled with zeros: every record has one length.
static void put_decimal(char *at, int width, uint64_t value) {
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

/// The start time of the calling process; 0 when it cannot be read. The name of the program may hold any byte, so the fields are counted
/// from the last parenthesis.
static uint64_t own_start_time(void) {
    char text[1024];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    long length = syscall(SYS_read, fd, text, sizeof text);
    syscall(SYS_close, fd);
    if (length <= 0) return 0;
    long at = length - 1;
    while (at > 0 && text[at] != ')') at--;
    // Behind the parenthesis come a blank and field 3.
    int field = 2;
    for (; at < length; at++) {
        if (text[at] != ' ') continue;
        field++;
        if (field == 22) break;
    }
    uint64_t value = 0;
    for (at++; at < length && text[at] >= '0' && text[at] <= '9'; at++) value = value * 10 + (uint64_t)(text[at] - '0');
    return value;
}

/// What programs say to be the length of a Unix socket's address, as a rule. No address of the Internet has it.
enum { UNIX_ADDRESS_LENGTH = 110 };

/// Installs the filter: the chosen calls of the native architecture wait for the listener, everything else passes.
static long install_filter(int filters) {
    struct sock_filter program[9];
    int has_bind = !!(filters & CLINUX_FILTER_BIND), has_connect = !!(filters & CLINUX_FILTER_CONNECT);
    unsigned short count = 0;
    unsigned short allow = (unsigned short)(3 + has_bind + 3 * has_connect), ask = allow + 1;
    // Jumps count from the instruction behind them. Another architecture's numbers mean other calls: all are allowed.
#define TO(target) ((uint8_t)((target) - count - 1))
    program[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    program[count] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 0, TO(allow));
    count++;
    program[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    if (has_bind) {
        program[count] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, TO(ask), 0);
        count++;
    }
    if (has_connect) {
        program[count] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, TO(allow));
        count++;
        // The address itself cannot be read here, but its length can: the lower half of the third argument, which comes first.
        program[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]));
        program[count] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UNIX_ADDRESS_LENGTH, TO(allow), TO(ask));
        count++;
    }
#undef TO
    program[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog whole = {.len = count, .filter = program};
    // Once the agent has taken a request only a fatal signal may interrupt it: a bind that was done must not be repeated (Linux 5.19).
    long listener = syscall(
        SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &whole);
    if (listener < 0 && errno == EINVAL)
        listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &whole);
    return listener;
}

static long send_descriptor(int socket, int descriptor, const void *bytes, size_t count) {
    struct iovec payload = {.iov_base = (void *)bytes, .iov_len = count};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &payload, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return syscall(SYS_sendmsg, socket, &message, MSG_NOSIGNAL);
}

static unsigned behind_places(const int *places) {
    int last = 0;
    for (int i = 0; i < CLINUX_LAUNCH_PLACES; i++)
        if (places[i] > last) last = places[i];
    return (unsigned)last + 1;
}

static int is_needed(const struct clinux_launch *launch, int fd) {
    for (int i = 0; i < launch->procs_count; i++)
        if (fd == launch->procs_files[i]) return 1;
    return (launch->record >= 0 && fd == launch->record) || (launch->filters && fd == launch->handover)
        || (launch->custody >= 0 && fd == launch->custody);
}

/// Closes every descriptor from 3 on but those that the launch still needs: the parent's locks and lines above all.
static long close_but_needed(const struct clinux_launch *launch) {
    int last = 2;
    if (launch->record > last) last = launch->record;
    if (launch->filters && launch->handover > last) last = launch->handover;
    if (launch->custody > last) last = launch->custody;
    for (int i = 0; i < launch->procs_count; i++)
        if (launch->procs_files[i] > last) last = launch->procs_files[i];
    int from = 3;
    for (int fd = 3; fd <= last; fd++) {
        if (!is_needed(launch, fd)) continue;
        if (fd > from && syscall(SYS_close_range, (unsigned)from, (unsigned)fd - 1, 0) < 0) return -1;
        from = fd + 1;
    }
    return syscall(SYS_close_range, (unsigned)from, ~0u, 0);
}

/// Runs in the child, on its own stack but in the parent's memory, while the parent sleeps: system calls and plain arithmetic only.
static int launch_child(void *argument) {
    struct clinux_launch *launch = argument;
    // First of all: what the parent holds must be free for its successor, should the parent die and this child be held up.
    int step = CLINUX_LAUNCH_DESCRIPTORS;
    // From here on the table is the child's own. Without places it was copied by clone3.
    if (launch->places && syscall(SYS_close_range, behind_places(launch->places), ~0u, UNSHARE_FLAG) < 0) goto failed;
    if (syscall(SYS_dup3, launch->input, 0, 0) < 0) goto failed;
    if (syscall(SYS_dup3, launch->output, 1, 0) < 0) goto failed;
    if (syscall(SYS_dup3, launch->error, 2, 0) < 0) goto failed;
    if (close_but_needed(launch) < 0) goto failed;
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_ON_EXEC_FLAG) < 0) goto failed;

    step = CLINUX_LAUNCH_SESSION;
    // CLEAR_SIGHAND leaves ignored signals ignored; a program must not inherit that.
    struct kernel_sigaction standard = {.handler = 0};
    for (int number = 1; number <= SIGNAL_LIMIT; number++)
        if (number != SIGKILL && number != SIGSTOP) syscall(SYS_rt_sigaction, number, &standard, 0, sizeof(uint64_t));
    if (syscall(SYS_setsid) < 0) goto failed;

    step = CLINUX_LAUNCH_CGROUP;
    for (int i = 0; i < launch->procs_count; i++)
        if (syscall(SYS_write, launch->procs_files[i], "0", 1) < 0) goto failed;

    step = CLINUX_LAUNCH_LIMITS;
    if (launch->open_files) {
        struct rlimit limit;
        if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit) < 0) goto failed;
        limit.rlim_cur = launch->open_files < limit.rlim_max ? launch->open_files : limit.rlim_max;
        if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, 0) < 0) goto failed;
    }
    if (launch->data_bytes) {
        struct rlimit limit = {.rlim_cur = launch->data_bytes, .rlim_max = launch->data_bytes};
        if (syscall(SYS_prlimit64, 0, RLIMIT_DATA, &limit, 0) < 0) goto failed;
    }
    if (launch->processes) {
        struct rlimit limit = {.rlim_cur = launch->processes, .rlim_max = launch->processes};
        if (syscall(SYS_prlimit64, 0, RLIMIT_NPROC, &limit, 0) < 0) goto failed;
    }

    step = CLINUX_LAUNCH_GROUP;
    if (launch->group >= 0) {
        if (syscall(SYS_setgroups, launch->groups_count, launch->groups) < 0) goto failed;
        if (syscall(SYS_setresgid, launch->group, launch->group, launch->group) < 0) goto failed;
    }
    step = CLINUX_LAUNCH_USER;
    if (launch->user >= 0 && syscall(SYS_setresuid, launch->user, launch->user, launch->user) < 0) goto failed;

    // AFTER the change of user: the program's rights decide.
    step = CLINUX_LAUNCH_DIRECTORY;
    if (launch->directory && syscall(SYS_chdir, launch->directory) < 0) goto failed;

    pid_t self = (pid_t)syscall(SYS_getpid);
    // Without it only root may install a filter.
    step = CLINUX_LAUNCH_FILTER;
    if (launch->filters || launch->no_new_privileges)
        if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) goto failed;
    if (launch->filters) {
        long listener = install_filter(launch->filters);
        if (listener < 0) goto failed;
        step = CLINUX_LAUNCH_HANDOVER;
        if (send_descriptor(launch->handover, (int)listener, &self, sizeof self) < 0) goto failed;
        step = CLINUX_LAUNCH_CUSTODY;
        if (launch->custody >= 0
            && send_descriptor(launch->custody, (int)listener, launch->custody_message, launch->custody_length) < 0)
            goto failed;
        // AFTER everybody else has it. Neither 3 nor a round number: those are what programs choose for themselves.
        if (launch->keeps_listener && listener == CLINUX_KEPT_LISTENER) {
            syscall(SYS_fcntl, (int)listener, F_SETFD, 0);
        } else {
            if (launch->keeps_listener && launch->record != CLINUX_KEPT_LISTENER)
                syscall(SYS_dup3, (int)listener, CLINUX_KEPT_LISTENER, 0);
            syscall(SYS_close, (int)listener);
        }
    }

    if (launch->record >= 0) {
        step = CLINUX_LAUNCH_RECORD;
        launch->start_time = own_start_time();
        char text[42], first[42];
        put_decimal(text, 20, (uint64_t)self);
        text[20] = ' ';
        put_decimal(text + 21, 20, launch->start_time);
        text[41] = '\n';
        if (syscall(SYS_pwrite64, launch->record, text, sizeof text, launch->record_offset) != (long)sizeof text) goto failed;
        if (launch->record_sync && syscall(SYS_fdatasync, launch->record) < 0) goto failed;
        long got = syscall(SYS_pread64, launch->record, first, sizeof first, launch->record_offset);
        if (got < 0) goto failed;
        if (got != (long)sizeof first || memcmp(first, text, sizeof text)) {
            errno = ECANCELED;
            goto failed;
        }
    }

    step = CLINUX_LAUNCH_EXECUTE;
    uint64_t none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
    syscall(SYS_execve, launch->path, launch->arguments, launch->environment);
failed:
    launch->failed_errno = errno;
    launch->failed_step = step;
    return 127;
}

/// clone3 with a function for the child, which never returns to the caller's frames.
static long clone_into(struct clone_arguments *arguments, size_t size, int (*body)(void *), void *argument) {
#if defined(__x86_64__)
    long result;
    register int (*r8)(void *) __asm__("r8") = body;
    register void *r9 __asm__("r9") = argument;
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%ebp, %%ebp\n\t"
        "mov %%r9, %%rdi\n\t"
        "call *%%r8\n\t"
        "mov %%eax, %%edi\n\t"
        "mov %[exit], %%eax\n\t"
        "syscall\n\t"
        "ud2\n"
        "1:"
        : "=a"(result)
        : "0"((long)SYS_clone3), "D"(arguments), "S"(size), "r"(r8), "r"(r9), [exit] "i"(SYS_exit)
        : "rcx", "r11", "memory", "cc");
    return result;
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register void *x0 __asm__("x0") = arguments;
    register size_t x1 __asm__("x1") = size;
    register int (*x10)(void *) __asm__("x10") = body;
    register void *x11 __asm__("x11") = argument;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x0, x11\n\t"
        "blr x10\n\t"
        "mov x8, %[exit]\n\t"
        "svc #0\n\t"
        "brk #1\n"
        "1:"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x10), "r"(x11), [exit] "i"(SYS_exit)
        : "x30", "memory", "cc");
    return (long)x0;
#endif
}

int clinux_launch_places(int places[CLINUX_LAUNCH_PLACES], int socket) {
    for (int i = 0; i < CLINUX_LAUNCH_PLACES; i++)
        if ((places[i] = fcntl(socket, F_DUPFD_CLOEXEC, 3)) < 0) return -1;
    return 0;
}

/// Puts what the child needs at its places and names those instead. Not for a child that enters v1 groups: it needs more descriptors.
static int take_places(struct clinux_launch *launch) {
    const int *places = launch->places;
    if (!places || launch->procs_count > 0) return 0;
    if (dup3(launch->input, places[INPUT_PLACE], O_CLOEXEC) < 0 || dup3(launch->output, places[OUTPUT_PLACE], O_CLOEXEC) < 0
        || dup3(launch->error, places[ERROR_PLACE], O_CLOEXEC) < 0
        || (launch->record >= 0 && dup3(launch->record, places[RECORD_PLACE], O_CLOEXEC) < 0)
        || (launch->custody >= 0 && dup3(launch->custody, places[CUSTODY_PLACE], O_CLOEXEC) < 0))
        return -1;
    launch->input = places[INPUT_PLACE];
    launch->output = places[OUTPUT_PLACE];
    launch->error = places[ERROR_PLACE];
    if (launch->record >= 0) launch->record = places[RECORD_PLACE];
    if (launch->custody >= 0) launch->custody = places[CUSTODY_PLACE];
    launch->handover = places[HANDOVER_PLACE];
    return 1;
}

/// Lets go of what stood at the places.
static void leave_places(const int *places) {
    for (int i = INPUT_PLACE; i < HANDOVER_PLACE; i++) dup3(places[HANDOVER_PLACE], places[i], O_CLOEXEC);
}

pid_t clinux_launch(struct clinux_launch *launch, void *stack, size_t stack_size) {
    launch->failed_step = CLINUX_LAUNCH_DONE;
    launch->failed_errno = 0;
    launch->start_time = 0;
    int pidfd = -1;
    struct clone_arguments arguments = {
        .flags = SHARE_MEMORY | SUSPEND_PARENT | WANT_PIDFD | CLEAR_HANDLERS,
        .pidfd = (uint64_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)stack,
        .stack_size = stack_size,
    };
    int has_places = take_places(launch);
    if (has_places < 0) {
        launch->failed_step = CLINUX_LAUNCH_DESCRIPTORS;
        launch->failed_errno = errno;
        leave_places(launch->places);
        return -1;
    }
    if (has_places) arguments.flags |= SHARE_DESCRIPTORS; else launch->places = NULL;
    if (launch->cgroup >= 0) {
        arguments.flags |= INTO_CGROUP;
        arguments.cgroup = (uint64_t)launch->cgroup;
    }
    // No handler may run in the child: it would run in the parent's memory.
    uint64_t all = ~0ull, before;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    long result = clone_into(&arguments, sizeof arguments, launch_child, launch);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof before);
    if (has_places) leave_places(launch->places);
    // A change of user in shared memory makes that memory non-dumpable for us, too; `up` must still be able to take our descriptors.
    if (launch->user >= 0) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (result < 0) {
        launch->failed_step = CLINUX_LAUNCH_CLONE;
        launch->failed_errno = (int)-result;
        return -1;
    }
    if (launch->failed_step != CLINUX_LAUNCH_DONE) {
        // It has exited already: reaped at once, so that nobody sees a process that never ran.
        siginfo_t ignored;
        while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &ignored, WEXITED | __WALL) < 0 && errno == EINTR) {}
        close(pidfd);
        return -1;
    }
    launch->pid = (pid_t)result;
    launch->pidfd = pidfd;
    return launch->pid;
}

int clinux_take_kept_listener(int pidfd, pid_t pid) {
    char path[64], what[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, CLINUX_KEPT_LISTENER);
    ssize_t length = readlink(path, what, sizeof what - 1);
    static const char wanted[] = "anon_inode:seccomp notify";
    if (length != (ssize_t)sizeof wanted - 1 || memcmp(what, wanted, sizeof wanted - 1)) {
        errno = ENOENT;
        return -1;
    }
    // Close-on-exec, as every descriptor that comes this way.
    return (int)syscall(SYS_pidfd_getfd, pidfd, CLINUX_KEPT_LISTENER, 0);
}

int clinux_handover_pair(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    int flags = fcntl(ends[0], F_GETFL);
    return fcntl(ends[0], F_SETFL, flags | O_NONBLOCK);
}

int clinux_receive_listener(int handover, pid_t *from) {
    struct iovec payload = {.iov_base = from, .iov_len = sizeof *from};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct msghdr message = {
        .msg_iov = &payload, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(handover, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS) {
        errno = EBADMSG;
        return -1;
    }
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}
