import Foundation
import Linux
import Supervision
import Testing
import Timing

@testable import NodeAgent

struct `The record of a container` {
    private let startedAt = Timestamp(nanosecondsSince1970: 5)

    @Test func `is there before the program runs, and says so`() throws {
        let path = NSTemporaryDirectory() + "steady-record-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let begun = try ContainerRecord.begin(path, boot: "b", restartCount: 2, startedAt: startedAt)
        begun.file.release()
        let record = try #require(ContainerRecord.read(path))
        #expect(record.restartCount == 2 && record.startedAt == startedAt && record.identity == nil)
    }

    @Test(arguments: ["/proc/nowhere/record"]) func `forbids the launch when it cannot be written`(path: String) throws {
        let problem = try #require(throws: LaunchProblem.self) {
            try ContainerRecord.begin(path, boot: "b", restartCount: 0, startedAt: startedAt).file.release()
        }
        #expect(problem.reason == "CreateContainerError")
        #expect(problem.message.contains(path))
    }
}
