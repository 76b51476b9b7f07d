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
        closeDescriptor(begun.descriptor)
        let record = try #require(ContainerRecord.read(path))
        #expect(record.restartCount == 2 && record.startedAt == startedAt && record.identity == nil)
    }

    @Test(arguments: ["/proc/nowhere/record"]) func `forbids the launch when it cannot be written`(path: String) throws {
        let problem = try #require(throws: LaunchProblem.self) {
            _ = try ContainerRecord.begin(path, boot: "b", restartCount: 0, startedAt: startedAt)
        }
        #expect(problem.reason == "CreateContainerError")
        #expect(problem.message.contains(path))
    }

    /// What a child writes.
    private static let line = "00000000000000000042 00000000000000000007\n"

    @Test func `is settled by whoever writes first: the child, or the agent that comes after`() throws {
        let path = NSTemporaryDirectory() + "steady-record-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let identity = ProcessIdentity(pid: 42, startTime: 7)

        let first = try ContainerRecord.begin(path, boot: "b", restartCount: 3, startedAt: startedAt)
        try Files.writeAll(Self.line.utf8, to: first.descriptor)
        closeDescriptor(first.descriptor)
        let ran = try #require(ContainerRecord.settle(path))
        #expect(ran.identity == identity && !ran.isCalledOff && ran == ContainerRecord.settle(path))
        ContainerRecord.append(path, code: 9, at: startedAt)
        #expect(ContainerRecord.settle(path)?.end?.code == 9)

        let second = try ContainerRecord.begin(path, boot: "b", restartCount: 3, startedAt: startedAt)
        #expect(ContainerRecord.read(path)?.isCalledOff == false)
        let calledOff = try #require(ContainerRecord.settle(path))
        #expect(calledOff.isCalledOff && calledOff.identity == nil && calledOff.restartCount == 3)
        try Files.writeAll(Self.line.utf8, to: second.descriptor)
        closeDescriptor(second.descriptor)
        #expect(ContainerRecord.settle(path)?.identity == nil)
    }

    @Test func `that another launch follows is called off, so that a child of it that was held up never runs`() throws {
        let directory = NSTemporaryDirectory() + "steady-record-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let old = try ContainerRecord.begin(directory + "/record", boot: "b", restartCount: 0, startedAt: startedAt)
        defer { closeDescriptor(old.descriptor) }
        let new = try ContainerRecord.begin(directory + "/record", boot: "b", restartCount: 0, startedAt: startedAt)
        closeDescriptor(new.descriptor)
        let null = try Files.openNull()
        defer { closeDescriptor(null) }
        let ran = directory + "/ran"
        var launch = Launch("/bin/sh", arguments: ["sh", "-c", "touch \(ran)"], input: null, output: null, error: null)
        launch.record = old.descriptor
        launch.recordOffset = old.offset
        let failure = try #require(throws: LaunchFailure.self) { _ = try Launcher().launch(launch) }
        #expect(failure.step == .record && failure.errno == ECANCELED)
        #expect(!Files.exists(ran))
    }
}
