import CLinux
import Glibc

/// A program to start as a session of its own: what the child sets up before it becomes the program.
package struct Launch: Sendable {
    /// An absolute path, or one relative to `directory`.
    package var executable: String
    /// With the program's name as the first.
    package var arguments: [String]
    /// `NAME=value`.
    package var environment: [String]
    /// Nil: the caller's.
    package var directory: String?
    /// Become descriptors 0, 1 and 2. Borrowed.
    package var input: Int32
    package var output: Int32
    package var error: Int32
    /// A directory of a cgroup2 tree to start in. Borrowed.
    package var cgroup: Int32?
    /// Open `cgroup.procs` files of v1 trees to enter. Borrowed.
    package var cgroupMembers: [Int32] = []
    package var user: User?
    /// Soft limit of open files; nil: the caller's.
    package var openFileLimit: UInt64?
    /// Bytes of memory of its own that each process may have (RLIMIT_DATA); nil: the caller's.
    package var dataLimit: UInt64?
    /// Processes and threads that the program's user may have together (RLIMIT_NPROC, which does not bind root); nil: the caller's.
    package var processLimit: UInt64?
    /// Whether no file that the program executes may give it rights: set-user-id and capabilities have no effect.
    package var gainsNoPrivileges = false
    /// Which system calls wait for the caller's answer (see `AddressCall`).
    package var handOff: HandOff = []
    /// Who gets the listener of the held calls besides the caller, from the child itself.
    package var custody: Custody?
    /// Whether the program keeps a listener of its own held calls, so that they wait for whoever comes after the death of all who had it.
    package var keepsListener = false
    /// Where the child writes `pid start-time` BEFORE it becomes the program, and AFTER its listener is in custody. Borrowed. In a file that is open
    /// for appending the launch can be called off, by anybody who appends something else first: the child then ends with ECANCELED.
    package var record: Int32?
    package var recordOffset = 0

    /// Whom a program runs as; only root may ask for it.
    package struct User: Hashable, Sendable {
        package var user: UInt32
        package var group: UInt32
        package var groups: [UInt32]
        package init(user: UInt32, group: UInt32, groups: [UInt32] = []) {
            self.user = user
            self.group = group
            self.groups = groups
        }
    }

    /// A line to somebody who keeps the listener, whatever becomes of the caller.
    package struct Custody: Hashable, Sendable {
        /// A non-blocking socket of sequenced packets. Borrowed.
        package var socket: Int32
        /// What goes with the descriptor.
        package var message: String
        package init(socket: Int32, message: String) {
            self.socket = socket
            self.message = message
        }
    }

    /// Which address calls of the new process are handed to its agent.
    package struct HandOff: OptionSet, Hashable, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let bind = HandOff(rawValue: Int32(CLINUX_FILTER_BIND))
        package static let connect = HandOff(rawValue: Int32(CLINUX_FILTER_CONNECT))
    }

    package init(
        _ executable: String, arguments: [String], environment: [String] = [], directory: String? = nil, input: Int32, output: Int32,
        error: Int32
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.input = input
        self.output = output
        self.error = error
    }
}

/// A program that runs: its `execve` has succeeded.
package struct LaunchedProcess: Sendable {
    package var pid: Int32
    /// Owned by the receiver.
    package var pidfd: Int32
    /// Clock ticks since boot; 0 when no record was asked for.
    package var startTime: UInt64
    /// Where its held system calls arrive; owned by the receiver. Nil without `handOff`.
    package var listener: Int32?
}

/// Why a program did not start: which step of the set-up failed.
package struct LaunchFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The step of a launch that failed, as the child reports it.
    package enum Step: Int32, Sendable {
        case clone = 1
        case session, descriptors, cgroup, limits, group, user, directory, filter, handover, custody, record, execute

        var words: String {
            switch self {
            case .clone: "clone3"
            case .session: "setsid"
            case .descriptors: "set up standard input and output of"
            case .cgroup: "enter the control group for"
            case .limits: "set the limits of"
            case .group: "change the group of"
            case .user: "change the user of"
            case .directory: "change to the working directory of"
            case .filter: "install the bind filter for"
            case .handover: "hand over the bind listener of"
            case .custody: "leave the bind listener with steady up for"
            case .record: "record the identity of"
            case .execute: "execute"
            }
        }
    }
    package var step: Step
    package var errno: Int32
    package var executable: String

    package init(step: Step, errno: Int32, executable: String) {
        self.step = step
        self.errno = errno
        self.executable = executable
    }

    package var description: String { "\(step.words) \(executable): \(String(cString: strerror(errno)))" }
}

/// Starts programs. Keeps the stack that children use until they become the program, and the socket on which their listeners arrive.
///
/// One launch costs about 100 microseconds, during which the calling thread sleeps. Not for use from two threads.
package final class Launcher {
    private let stack: UnsafeMutableRawPointer
    /// The child's frames are a few KiB deep.
    private static let stackSize = 64 * 1024
    private var handover: (Int32, Int32) = (-1, -1)
    private let places: UnsafeMutablePointer<Int32>
    /// Without places launches cost more with every open descriptor.
    private var hasPlaces = false

    package init() {
        stack = .allocate(byteCount: Self.stackSize, alignment: 4096)
        var ends: [Int32] = [-1, -1]
        places = .allocate(capacity: Int(CLINUX_LAUNCH_PLACES))
        places.initialize(repeating: -1, count: Int(CLINUX_LAUNCH_PLACES))
        guard clinux_handover_pair(&ends) >= 0 else { return }
        handover = (ends[0], ends[1])
        hasPlaces = clinux_launch_places(places, ends[1]) == 0
    }

    deinit {
        stack.deallocate()
        defer { places.deallocate() }
        if handover.0 >= 0 {
            Glibc.close(handover.0)
            Glibc.close(handover.1)
            for index in 0..<Int(CLINUX_LAUNCH_PLACES) where places[index] >= 0 { Glibc.close(places[index]) }
        }
    }

    /// Returns AFTER the program was executed; a failure of any step, the execution included, is thrown and leaves no process.
    package func launch(_ launch: Launch) throws(LaunchFailure) -> LaunchedProcess {
        var strings = CStringTable()
        let path = strings.add(launch.executable)
        let directory = launch.directory.map { strings.add($0) }
        let arguments = launch.arguments.map { strings.add($0) }
        let environment = launch.environment.map { strings.add($0) }
        let message = launch.custody.map { strings.add($0.message) }
        var result: LaunchedProcess?
        var failure = LaunchFailure(step: .clone, errno: 0, executable: launch.executable)
        strings.withPointers { base in
            var argumentPointers: [UnsafeMutablePointer<CChar>?] = arguments.map { base + $0 } + [nil]
            var environmentPointers: [UnsafeMutablePointer<CChar>?] = environment.map { base + $0 } + [nil]
            var groups = launch.user?.groups ?? []
            var members = launch.cgroupMembers
            argumentPointers.withUnsafeMutableBufferPointer { argv in
                environmentPointers.withUnsafeMutableBufferPointer { envp in
                    groups.withUnsafeMutableBufferPointer { groupList in
                        members.withUnsafeMutableBufferPointer { memberList in
                            var c = clinux_launch()
                            c.path = UnsafePointer(base + path)
                            c.arguments = UnsafePointer(argv.baseAddress)
                            c.environment = UnsafePointer(envp.baseAddress)
                            c.directory = directory.map { UnsafePointer(base + $0) }
                            c.input = launch.input
                            c.output = launch.output
                            c.error = launch.error
                            c.cgroup = launch.cgroup ?? -1
                            c.procs_files = UnsafePointer(memberList.baseAddress)
                            c.procs_count = Int32(memberList.count)
                            c.user = launch.user.map { Int64($0.user) } ?? -1
                            c.group = launch.user.map { Int64($0.group) } ?? -1
                            c.groups = UnsafePointer(groupList.baseAddress)
                            c.groups_count = Int32(groupList.count)
                            c.open_files = launch.openFileLimit ?? 0
                            c.data_bytes = launch.dataLimit ?? 0
                            c.processes = launch.processLimit ?? 0
                            c.no_new_privileges = launch.gainsNoPrivileges ? 1 : 0
                            c.filters = launch.handOff.rawValue
                            c.handover = handover.1
                            c.keeps_listener = launch.keepsListener ? 1 : 0
                            c.custody = launch.custody?.socket ?? -1
                            c.custody_message = message.map { UnsafeRawPointer(base + $0) }
                            c.custody_length = launch.custody?.message.utf8.count ?? 0
                            if hasPlaces { c.places = UnsafePointer(places) }
                            c.record = launch.record ?? -1
                            c.record_offset = launch.recordOffset
                            // Not synced: the record matters only as long as this boot lasts, and the page cache lasts as long.
                            c.record_sync = 0
                            if clinux_launch(&c, stack, Self.stackSize) < 0 {
                                failure.step = LaunchFailure.Step(rawValue: c.failed_step) ?? .clone
                                failure.errno = c.failed_errno
                            } else {
                                result = LaunchedProcess(pid: c.pid, pidfd: c.pidfd, startTime: c.start_time, listener: nil)
                            }
                        }
                    }
                }
            }
        }
        let listener = launch.handOff.isEmpty ? nil : receiveListener(from: result?.pid)
        guard var result else { throw failure }
        result.listener = listener
        return result
    }

    /// The listener that a program keeps of its own held calls; nil when it keeps none.
    package static func keptListener(of process: ProcessIdentity, _ descriptor: Int32) -> Int32? {
        let listener = clinux_take_kept_listener(descriptor, process.pid)
        return listener < 0 ? nil : listener
    }

    /// The listener of the child just started; what a failed child had sent is closed.
    private func receiveListener(from pid: Int32?) -> Int32? {
        while true {
            var sender: Int32 = 0
            let listener = clinux_receive_listener(handover.0, &sender)
            if listener < 0 { return nil }
            if sender == pid { return listener }
            Glibc.close(listener)
        }
    }
}

/// Many C strings in one allocation.
private struct CStringTable {
    private var bytes: [CChar] = []

    /// The string's offset.
    mutating func add(_ text: String) -> Int {
        let offset = bytes.count
        for byte in text.utf8 where byte != 0 { bytes.append(CChar(bitPattern: byte)) }
        bytes.append(0)
        return offset
    }

    mutating func withPointers(_ body: (UnsafeMutablePointer<CChar>) -> Void) {
        bytes.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }
}

extension LaunchFailure {
    /// ENOENT.
    package var isMissing: Bool { errno == ENOENT }
    /// Nobody takes the listener into custody just now: the line is full or broken.
    package var isCustodyRefused: Bool { step == .custody }
    /// EACCES or EPERM.
    package var isDenied: Bool { errno == EACCES || errno == EPERM }
    /// The control group could not be entered. Not so when there are too many processes (EAGAIN) or too little memory: that fails without it, too.
    package var isOfGroup: Bool { (step == .clone || step == .cgroup) && errno != EAGAIN && errno != ENOMEM }

    /// The control group was removed AFTER it was opened.
    package var isGroupGone: Bool { isOfGroup && (errno == ENODEV || errno == ENOENT) }
}
