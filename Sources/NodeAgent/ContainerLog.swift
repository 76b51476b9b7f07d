import Linux
import Timing

/// What a container prints, line by line, in Kubernetes' log file format: `TIME stdout F text`; `P` marks a line that goes on in the next entry.
///
/// One file per run, cut at `fileLimit`; older pieces are `.1` to `.4`. The run before stays for `--previous`, earlier ones are removed.
final class ContainerLog {
    private let paths: PodPaths
    private let container: String
    private(set) var run = -1
    /// Nothing will be added to the run's log: who follows it has everything.
    private(set) var isComplete = false
    private var file: Int32 = -1
    private var size = 0
    private var listeners: [Int: () -> Void] = [:]
    private var endings: [Int: () -> Void] = [:]
    private var nextListener = 0

    static let fileLimit = 10 << 20
    static let pieceCount = 5

    private let fileLimit: Int

    init(_ paths: PodPaths, container: String, fileLimit: Int = ContainerLog.fileLimit) {
        self.fileLimit = fileLimit
        self.paths = paths
        self.container = container
    }

    /// Made with the first output: many programs never print.
    private func openFile() {
        guard file < 0, run >= 0 else { return }
        let path = paths.log(container, run: run)
        file = (try? Files.openForAppending(path)) ?? (try? Self.openFirst(path)) ?? -1
        size = Int(Files.size(path))
    }

    private static func openFirst(_ path: String) throws(LinuxError) -> Int32 {
        try Files.makeDirectories(Files.directory(of: path))
        return try Files.openForAppending(path)
    }

    /// The last run of which there is a log; nil when the container never printed.
    static func newestRun(of container: String, in paths: PodPaths) -> Int? {
        ((try? Files.list(paths.logs)) ?? []).compactMap { name in
            guard name.hasPrefix(container + "."), name.hasSuffix(".log") else { return nil }
            return Int(name.dropFirst(container.count + 1).dropLast(4))
        }.max()
    }

    /// Begins, or continues after a restart of the agent, the log of a run.
    func open(run: Int) {
        if run == self.run { return }
        endFollowers()
        closeFile()
        self.run = run
        isComplete = false
        if run >= 2 { for path in Self.pieces(paths.log(container, run: run - 2)) { try? Files.removeTree(path) } }
    }

    /// Stores a piece of output.
    func append(_ bytes: ArraySlice<UInt8>, at: Timestamp) {
        add(Self.entries(bytes, at: at))
    }

    /// Takes over what `up` stored while no agent read the output (see `OutputDrain`). AFTER `open`, BEFORE the output is read again.
    func merge(spill path: String) {
        guard let entries = try? Files.read(path), !entries.isEmpty else { return }
        add(entries)
        // After a crash in between the lines are there twice rather than not at all.
        try? Files.removeTree(path)
    }

    private func add(_ entries: [UInt8]) {
        openFile()
        if size + entries.count > fileLimit, size > 0 { rotate() }
        if file >= 0 {
            // A full disk loses output, not the program.
            try? Files.writeAll(entries, to: file, named: "log")
            size += entries.count
        }
        for key in listeners.keys.sorted() { listeners[key]?() }
    }

    /// Output in the form of the file.
    static func entries(_ bytes: ArraySlice<UInt8>, at: Timestamp) -> [UInt8] {
        let stamp = Array("\(at.rfc3339Nano) stdout ".utf8)
        var entries: [UInt8] = []
        entries.reserveCapacity(bytes.count + 64)
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
            entries += stamp
            entries.append(end == nil ? UInt8(ascii: "P") : UInt8(ascii: "F"))
            entries.append(UInt8(ascii: " "))
            entries += bytes[start..<(end ?? bytes.endIndex)]
            entries.append(UInt8(ascii: "\n"))
            start = end.map { $0 + 1 } ?? bytes.endIndex
        }
        return entries
    }

    private func rotate() {
        let path = paths.log(container, run: run)
        for number in stride(from: Self.pieceCount - 2, through: 1, by: -1) {
            try? Files.move("\(path).\(number)", to: "\(path).\(number + 1)")
        }
        try? Files.move(path, to: "\(path).1")
        closeFile()
        openFile()
    }

    /// The files of a run, oldest first.
    static func pieces(_ path: String) -> [String] {
        (1..<pieceCount).reversed().map { "\(path).\($0)" }.filter { Files.exists($0) } + [path]
    }

    /// Calls back when the files have grown, until the run ends or it is cancelled.
    func follow(onGrowth: @escaping () -> Void, onEnd: @escaping () -> Void) -> Cancellation {
        let key = nextListener
        nextListener += 1
        listeners[key] = onGrowth
        endings[key] = onEnd
        return Cancellation { [weak self] in
            self?.listeners[key] = nil
            self?.endings[key] = nil
        }
    }

    /// AFTER the last of what the run has left is gone.
    func complete() {
        isComplete = true
        endFollowers()
    }

    /// The run is over, or the container goes: those who follow have everything.
    private func endFollowers() {
        let all = endings.sorted { $0.key < $1.key }.map(\.value)
        listeners = [:]
        endings = [:]
        for end in all { end() }
    }

    private func closeFile() {
        if file >= 0 { closeDescriptor(file) }
        file = -1
    }

    func close() {
        endFollowers()
        closeFile()
    }
}
