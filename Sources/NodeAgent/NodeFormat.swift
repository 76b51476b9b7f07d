import Linux

/// The format of what agents keep for a node: records of processes, memories of pods. As a file beside them, so that an agent that is older than they
/// are refuses them by name instead of misunderstanding them.
package enum NodeFormat {
    /// What this agent writes; it reads every earlier one. A change of `ContainerRecord`, `PodMemories` or of the places of files counts.
    package static let newest = 1

    private static func path(_ nodeDirectory: String) -> String { nodeDirectory + "/format" }

    /// Notes that what is kept here is in today's format from now on. BEFORE anything is read or written.
    static func claim(_ nodeDirectory: String) throws {
        let path = path(nodeDirectory)
        // Agents that were before it have written format 1 and no such file.
        if let found = (try? Files.text(path)).flatMap({ text in text.split(separator: "\n").first.flatMap { Int($0) } }) {
            if found > newest { throw NodeFormatError(path: path, found: found, node: Files.name(of: nodeDirectory)) }
            if found == newest { return }
        }
        try Files.makeDirectories(nodeDirectory)
        try Files.replace(path, with: "\(newest)\n".utf8)
    }
}

/// A node's records are newer than this agent.
struct NodeFormatError: Error, Hashable, CustomStringConvertible {
    let path: String
    let found: Int
    let node: String

    var description: String {
        "the records of node \(node) were written by a newer Steady (\(path): format \(found); this one reads up to \(NodeFormat.newest)). "
            + "Start the newer one again: what runs on the node goes on meanwhile"
    }
}
