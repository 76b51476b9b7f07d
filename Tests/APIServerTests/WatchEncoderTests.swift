import Formats
import Resources
import Testing
import Timing

@testable import APIServer

struct WatchEncoderTests {
    private let pod: Value = ["kind": "Pod", "apiVersion": "v1", "metadata": ["name": "web", "resourceVersion": "7"], "spec": [:]]
    private let now = Timestamp(secondsSince1970: 1_000_000)

    private func lines(_ bytes: [UInt8]) throws -> [Value] {
        try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON.parse(Array($0)) }
    }

    @Test func `Each event is one line of JSON`() throws {
        var encoder = WatchEncoder(ServedType(.pods), .plain)
        var out: [UInt8] = []
        encoder.append(WatchEvent(.added, pod, at: Revision(7)), now: now, to: &out)
        encoder.append(WatchEvent(.deleted, pod, at: Revision(8)), now: now, to: &out)
        let events = try lines(out)
        #expect(events.map { $0["type"] } == ["ADDED", "DELETED"])
        #expect(events[0]["object"] == pod)
    }

    @Test(arguments: [("", "v1"), ("events.k8s.io", "v1")])
    func `What the journal wrote is sent as it is, except where the client asked in other words`(group: String, version: String) throws {
        let type = try #require(ServedType(group: group, version: version, plural: "events"))
        var encoder = WatchEncoder(type, .plain)
        var out: [UInt8] = []
        var event = WatchEvent(.added, ["kind": "Event", "apiVersion": "v1", "message": "m", "metadata": ["name": "e"]], at: Revision(7))
        event.json = JSON.serialize(event.object)
        encoder.append(event, now: now, to: &out)
        let sent = try lines(out)[0]["object"]
        #expect(sent == type.toWire(event.object))
        #expect((sent == event.object) == !type.isRenamed)
    }

    @Test func `A table's columns come with its first row only`() throws {
        var encoder = WatchEncoder(ServedType(.pods), .table(version: "v1"))
        var out: [UInt8] = []
        encoder.append(WatchEvent(.added, pod, at: Revision(7)), now: now, to: &out)
        encoder.append(WatchEvent(.modified, pod, at: Revision(8)), now: now, to: &out)
        let events = try lines(out)
        #expect(events[0]["object"]["kind"] == "Table")
        #expect(!events[0]["object"]["columnDefinitions"].elements.isEmpty)
        #expect(events[1]["object"]["columnDefinitions"] == [])
        #expect(events[1]["object"]["rows"][0]["object"]["kind"] == "PartialObjectMetadata")
        #expect(events[1]["object"]["rows"][0]["object"]["metadata"]["name"] == "web")
    }

    @Test func `The end of what existed is a bookmark of the watched kind`() throws {
        let encoder = WatchEncoder(ServedType(.pods), .plain)
        var out: [UInt8] = []
        encoder.appendBookmark(Revision(9), endsInitial: true, to: &out)
        encoder.appendBookmark(Revision(10), endsInitial: false, to: &out)
        let events = try lines(out)
        #expect(events[0]["type"] == "BOOKMARK")
        #expect(events[0]["object"]["kind"] == "Pod")
        #expect(events[0]["object"]["metadata"] == ["resourceVersion": "9", "annotations": ["k8s.io/initial-events-end": "true"]])
        #expect(events[1]["object"]["metadata"] == ["resourceVersion": "10"])
    }

    @Test func `A watch that cannot go on ends with a Status`() throws {
        let encoder = WatchEncoder(ServedType(.pods), .plain)
        var out: [UInt8] = []
        encoder.appendError(.expired("too old resource version: 1 (5)"), to: &out)
        let events = try lines(out)
        #expect(events[0]["type"] == "ERROR")
        #expect(events[0]["object"]["code"] == 410)
        #expect(events[0]["object"]["reason"] == "Expired")
    }

    @Test func `A list names its kind and revision and is never without items`() throws {
        let rendering = Rendering(ServedType(.pods), .plain, now: now)
        let empty = try JSON.parse(rendering.bytes(Reply(.list(type: .pods, items: [], revision: Revision(3)))))
        #expect(empty == ["kind": "PodList", "apiVersion": "v1", "metadata": ["resourceVersion": "3"], "items": []])
        let table = Rendering(ServedType(.pods), .table(version: "v1"), rowObject: .none, now: now)
        let rows = try JSON.parse(table.bytes(Reply(.list(type: .pods, items: [pod], revision: Revision(3)))))
        #expect(rows["rows"].elements.count == 1)
        #expect(rows["rows"][0]["object"].isNull)
        #expect(rows["metadata"]["resourceVersion"] == "3")
    }

    static let logs: [(container: String?, pod: Value, target: String?)] = [
        (nil, ["spec": ["nodeName": "a1", "containers": [["name": "c"]]]], "/logs/x/web/c?follow=true&sinceTime=2026-01-01T00%3A00%3A00Z"),
        (
            "i", ["spec": ["nodeName": "a1", "containers": [["name": "c"]], "initContainers": [["name": "i"]]]],
            "/logs/x/web/i?follow=true&sinceTime=2026-01-01T00%3A00%3A00Z"
        ),
        ("d", ["spec": ["nodeName": "a1", "containers": [["name": "c"]]]], nil),
        (nil, ["spec": ["nodeName": "a1", "containers": [["name": "c"], ["name": "d"]]]], nil),
    ]

    @Test(arguments: logs) func `A log is asked of the pod's node by container`(container: String?, pod: Value, target: String?) {
        let call = LogCall(
            pod: ObjectKey(.pods, namespace: "x", name: "web"), container: container,
            parameters: [("follow", "true"), ("sinceTime", "2026-01-01T00:00:00Z")])
        do {
            let found = try LogTarget.resolve(call, pod: pod)
            #expect(found == target.map { LogTarget(node: "a1", target: $0) })
        } catch {
            #expect(target == nil && error.code == 400)
        }
    }

    @Test func `Warnings are quoted for their header`() {
        #expect(Answer.warningHeader("unknown field \"a\\b\"\nx") == #"299 - "unknown field \"a\\b\" x""#)
    }
}
