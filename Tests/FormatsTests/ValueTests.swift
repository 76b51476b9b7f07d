import Testing

@testable import Formats

@Suite struct `A value` {
    @Test func `loses a member that is assigned null`() {
        var value: Value = ["a": ["b": 1, "c": 2]]
        value["a"]["b"] = .null
        #expect(value.object?["a"]?.object?.keys == ["c"])
        value["a"] = nil
        #expect(value == [:])
    }

    @Test func `becomes an object where a member is assigned`() {
        var value = Value.null
        value["a"]["b"] = "c"
        #expect(value == ["a": ["b": "c"]])
    }

    @Test func `is not changed by reading a member that it has not`() {
        let value: Value = ["a": 1]
        #expect(value["b"]["c"][3].isNull)
        #expect(value.object?.count == 1)
    }

    @Test func `finds members of large objects, also after some are removed`() {
        var object = Object((0..<1000).map { ("k\($0)", Value.int(Int64($0))) })
        for index in stride(from: 0, to: 1000, by: 2) { object["k\(index)"] = Value?.none }
        #expect(object.count == 500)
        #expect(object["k501"] == 501)
        #expect(object["k500"] == Value?.none)
    }

    @Test func `is equal whatever the order of members`() {
        #expect(Value.object(["a": 1, "b": 2]) == .object(["b": 2, "a": 1]))
        #expect(Value.object(["a": 1, "b": 2]).hashValue == Value.object(["b": 2, "a": 1]).hashValue)
        #expect(Value.object(["a": 1]) != .object(["b": 1]))
        #expect(Value.int(1) != .double(1))
        #expect(Value.int(1).isEquivalent(to: .double(1)))
    }
}
