#ifndef CLINUX_LAUNCH_H
#define CLINUX_LAUNCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// What the child was doing when it failed; `CLINUX_LAUNCH_CLONE` is the parent's own call.
enum clinux_launch_step {
    CLINUX_LAUNCH_DONE = 0,
    CLINUX_LAUNCH_CLONE,
    CLINUX_LAUNCH_SESSION,
    CLINUX_LAUNCH_DESCRIPTORS,
    CLINUX_LAUNCH_CGROUP,
    CLINUX_LAUNCH_LIMITS,
    CLINUX_LAUNCH_GROUP,
    CLINUX_LAUNCH_USER,
    CLINUX_LAUNCH_DIRECTORY,
    CLINUX_LAUNCH_FILTER,
    CLINUX_LAUNCH_HANDOVER,
    CLINUX_LAUNCH_CUSTODY,
    CLINUX_LAUNCH_RECORD,
    CLINUX_LAUNCH_EXECUTE,
};

/// The system calls that wait for the agent's answer.
enum { CLINUX_FILTER_BIND = 1, CLINUX_FILTER_CONNECT = 2 };

/// Where a program keeps the listener of its own calls. Within the first 64, so that its table of descriptors does not grow.
enum { CLINUX_KEPT_LISTENER = 47 };

/// One launch: everything is prepared by the parent, so that the child only makes system calls.
struct clinux_launch {
    const char *path;
    char *const *arguments;
    char *const *environment;
    /// NULL: the parent's.
    const char *directory;
    /// Become 0, 1 and 2. Each must be 3 or above.
    int input, output, error;
    /// A directory of a cgroup2 tree to start in, or -1.
    int cgroup;
    /// Open `cgroup.procs` files of v1 trees that the child enters, as many as there are.
    const int *procs_files;
    int procs_count;
    /// Below 0: unchanged. A change needs the right to it.
    int64_t user, group;
    const gid_t *groups;
    int groups_count;
    /// Soft limit of open files; 0: unchanged.
    uint64_t open_files;
    /// Limit of each process's own memory (RLIMIT_DATA), in bytes; 0: unchanged.
    uint64_t data_bytes;
    /// Processes and threads of the program's user (RLIMIT_NPROC); 0: unchanged.
    uint64_t processes;
    /// Whether no file that the program executes may give it rights (set-user-id, capabilities). With a filter it is so anyway.
    int no_new_privileges;
    /// `CLINUX_FILTER_*`; 0: no filter.
    int filters;
    /// A seqpacket socket on which the child sends its filter's listener BEFORE execve. -1 without filters.
    int handover;
    /// A non-blocking seqpacket socket on which the child sends this message with the listener BEFORE its record: whoever reads there has the
    /// listener whatever becomes of the parent. -1: none.
    int custody;
    const void *custody_message;
    size_t custody_length;
    /// Whether the program inherits the listener of its own calls as `CLINUX_KEPT_LISTENER`: it does nothing with it, but whoever comes after the death
    /// of all others finds it there. Its calls then wait for them instead of failing.
    int keeps_listener;
    /// Places from `clinux_launch_places`, or NULL: then the child copies and closes every descriptor of the parent.
    const int *places;
    /// The child writes its identity here BEFORE execve; -1: none. A file that is open for appending is a ballot: what stands first at the offset
    /// counts. When that is not the child's line, somebody has called the launch off, and the child exits with ECANCELED.
    int record;
    off_t record_offset;
    /// Whether the identity is also synced to disk.
    int record_sync;

    // Results.
    pid_t pid;
    int pidfd;
    /// Field 22 of /proc/PID/stat, in clock ticks since boot; 0 when no record was asked for.
    uint64_t start_time;
    int failed_step;
    int failed_errno;
};

/// Starts a program and returns when it runs (its execve succeeded) or could not be started. Returns the pid, or -1 with
/// `failed_step` and `failed_errno`. The calling thread sleeps meanwhile: 70 to 100 microseconds. `stack` is used by the child alone.
pid_t clinux_launch(struct clinux_launch *launch, void *stack, size_t stack_size);

/// Low descriptors that every launch reuses for what its child needs: all above them is then neither copied nor closed, so that a launch costs
/// the same however many descriptors the parent has. Call it early, while descriptors are low. `socket` stands in them between launches.
enum { CLINUX_LAUNCH_PLACES = 6 };
int clinux_launch_places(int places[CLINUX_LAUNCH_PLACES], int socket);

/// Takes the listener that a child sent: its descriptor, and the sender's pid. -1 and errno when none waits.
int clinux_receive_listener(int handover, pid_t *from);

/// The listener that a program keeps of its own calls; -1 when it keeps none, or has put something else in its place. By pidfd.
int clinux_take_kept_listener(int pidfd, pid_t pid);

/// A seqpacket socket pair, both ends close-on-exec, the first non-blocking.
int clinux_handover_pair(int ends[2]);

#endif
