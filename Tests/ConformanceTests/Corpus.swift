import Foundation
import Testing

/// A folder of test cases that others wrote, kept outside of the package: in `$STEADY_CORPORA`, or in `shared/corpora` beside the package.
struct Corpus {
    let folder: URL

    /// Nil where the corpus is absent; that is printed, and a failure where `CI` is set.
    init?(_ name: String) {
        let environment = ProcessInfo.processInfo.environment
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let corpora = environment["STEADY_CORPORA"].map { URL(filePath: $0) } ?? root.appending(path: "../shared/corpora").standardized
        folder = corpora.appending(path: name)
        if !FileManager.default.fileExists(atPath: folder.path) {
            print("The corpus \(name) is not at \(folder.path): its cases are not run. Set STEADY_CORPORA to the folder that has it.")
            if environment["CI"] != nil { Issue.record("CI must have the corpus \(name)") }
            return nil
        }
    }

    func read(_ path: String) -> [UInt8]? { (try? Data(contentsOf: folder.appending(path: path))).map { [UInt8]($0) } }

    /// The names in a folder of the corpus, sorted.
    func list(_ path: String = "") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: path).path)) ?? []).sorted()
    }
}
