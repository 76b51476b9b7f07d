import Foundation
import Journal
import Linux
import Registry
import Resources
import Storage
import Testing
import Timing

/// A storage in a temporary directory, on a loop of its own.
final class StorageFixture {
    let loop: EventLoop
    let directory: String
    private(set) var storage: Storage

    init(settings: StorageSettings = StorageSettings()) throws {
        loop = try EventLoop()
        directory = NSTemporaryDirectory() + "steady-storage-\(UUID().uuidString)"
        storage = try Storage(loop: loop, directory: directory, settings: settings)
    }

    init(disk: any JournalDisk, settings: StorageSettings = StorageSettings()) throws {
        loop = try EventLoop()
        directory = ""
        storage = try Storage(loop: loop, disk: disk, settings: settings)
    }

    deinit {
        storage.close()
        if !directory.isEmpty { try? FileManager.default.removeItem(atPath: directory) }
    }

    func reopen() throws {
        storage.close()
        storage = try Storage(loop: loop, directory: directory)
    }

    /// Runs the loop until the answer is there.
    func perform(_ request: Request) throws -> Reply {
        var answer: Result<Reply, StatusError>?
        storage.perform(request) { answer = $0 }
        try #require(loop.runUntil(within: .seconds(60)) { answer != nil }, "no answer")
        return try answer!.get()
    }

    func configMap(_ name: String, _ data: [String: String] = ["a": "1"]) -> Request {
        .create(["metadata": ["name": .string(name)], "data": .strings(data)], type: .configMaps, namespace: "default")
    }
}

func key(_ name: String) -> ObjectKey { ObjectKey(.configMaps, namespace: "default", name: name) }
