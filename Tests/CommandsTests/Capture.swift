import Foundation
import Linux

@testable import Commands

/// A run of the program with what it printed.
struct Capture {
    let exitCode: Int32
    let output: String
    let error: String

    init(_ arguments: [String]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("steady-cli-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (out, err) = (folder.appendingPathComponent("out").path, folder.appendingPathComponent("err").path)
        let (outFile, errFile) = (try Files.open(out, Files.readWriteCreating), try Files.open(err, Files.readWriteCreating))
        defer { [outFile, errFile].forEach(closeDescriptor) }
        exitCode = Program.run(arguments, verbs: Verb.all, terminal: Terminal(output: outFile, error: errFile))
        output = try Files.text(out)
        error = try Files.text(err)
    }
}

/// Manifest files in a folder of their own.
final class ManifestFolder {
    let path: String

    init(_ files: [String: String]) throws {
        path = NSTemporaryDirectory() + "steady-manifests-\(UUID().uuidString.prefix(8))"
        for (name, text) in files {
            let file = URL(fileURLWithPath: path + "/" + name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The error of reading a file, with the folder left out; empty when there is none.
    func problem(_ name: String, recursive: Bool = false) -> String {
        do {
            _ = try Manifests.load([path + "/" + name], recursive: recursive)
            return ""
        } catch {
            return error.message.replacingOccurrences(of: path + "/", with: "")
        }
    }
}
