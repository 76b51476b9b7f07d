import Formats
import Linux

/// What the pods of a node keep to over restarts of their agent and of the machine, as one file to which is appended: a file for each pod would cost
/// more than all the rest of its preparation.
///
/// Each entry is a line break and one JSON object with the pod's `uid`; the last of a pod counts. What a death cut off is no object and is passed
/// over. Not synced: after a crash of the machine a pod begins anew.
final class PodMemories {
    private let path: String
    private var known: [String: PodMemory] = [:]
    private var file: Int32 = -1
    private var byteCount = 0
    private var keptByteCount = 0

    /// The file is written anew when it has grown beyond this, and by as much as it was after the last time.
    private static let spareByteCount = 64 << 10

    /// Reads what is there. `pods`: who has something on this machine; others are forgotten.
    init(_ path: String, pods: Set<String>) {
        self.path = path
        for line in ((try? Files.read(path)) ?? []).split(separator: UInt8(ascii: "\n")) {
            guard let value = try? JSON.parse(Array(line)), let uid = value["uid"].string, pods.contains(uid) else { continue }
            known[uid] = PodMemory(value)
        }
        try? rewrite()
    }

    deinit { if file >= 0 { closeDescriptor(file) } }

    subscript(uid: String) -> PodMemory? { known[uid] }

    /// AFTER this the next agent knows it.
    func save(_ memory: PodMemory, of uid: String) throws(LinuxError) {
        let before = known[uid]
        guard before != memory else { return }
        known[uid] = memory
        do throws(LinuxError) {
            if file < 0 || byteCount > 2 * keptByteCount + Self.spareByteCount { return try rewrite() }
            let entry = Self.entry(uid, memory)
            try Files.writeAll(entry, to: file, named: path)
            byteCount += entry.count
        } catch {
            known[uid] = before
            throw error
        }
    }

    /// The pod is gone.
    func forget(_ uid: String) { known[uid] = nil }

    private func rewrite() throws(LinuxError) {
        var bytes: [UInt8] = []
        for (uid, memory) in known.sorted(by: { $0.key < $1.key }) { bytes += Self.entry(uid, memory) }
        try Files.replace(path, with: bytes)
        if file >= 0 { closeDescriptor(file) }
        file = -1
        file = try Files.openForAppending(path)
        byteCount = bytes.count
        keptByteCount = bytes.count
    }

    private static func entry(_ uid: String, _ memory: PodMemory) -> [UInt8] {
        var value = memory.value
        value["uid"] = .string(uid)
        return [UInt8(ascii: "\n")] + JSON.serialize(value)
    }
}
