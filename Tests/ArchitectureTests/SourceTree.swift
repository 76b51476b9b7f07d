import Foundation

/// One Swift file of the project.
struct SourceFile: Sendable {
    /// Relative to the project's root.
    var path: String
    var lines: [String]

    /// Where a finding is, as compilers write it.
    func place(_ index: Int) -> String { "\(path):\(index + 1)" }

    /// The modules that it imports, each with the index of its line.
    var imports: [(module: String, index: Int)] {
        lines.enumerated().compactMap { index, line in
            var words = line.split(separator: " ").map(String.init)
            while let first = words.first,
                first.hasPrefix("@") || ["package", "internal", "private", "fileprivate", "public"].contains(first)
            {
                words.removeFirst()
            }
            guard words.count >= 2, words[0] == "import" else { return nil }
            // `import struct Module.Name` names the module in its last word.
            return (String(words[words.count - 1].prefix { $0 != "." }), index)
        }
    }
}

/// The project's files, read once from where this file was compiled.
enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .path

    /// Folders below `Sources`: one a module.
    static let modules = ((try? FileManager.default.contentsOfDirectory(atPath: root + "/Sources")) ?? []).sorted()

    static let manifest = (try? String(contentsOfFile: root + "/Package.swift", encoding: .utf8)) ?? ""

    /// Every Swift file of a module, by path.
    static func files(of module: String) -> [SourceFile] { files(below: "Sources/" + module) }

    static func files(below folder: String) -> [SourceFile] {
        let found = FileManager.default.enumerator(atPath: root + "/" + folder)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
            let path = folder + "/" + name
            guard let text = try? String(contentsOfFile: root + "/" + path, encoding: .utf8) else { return nil }
            return SourceFile(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }
}
